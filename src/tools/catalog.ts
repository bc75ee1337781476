// The tools by name and effect, which is all that the server needs to start.

/** What a tool does to the world; the protocol's annotations and the read-only mode follow from it. */
export type Effect = "reads" | "reads-disk" | "creates-job" | "writes-file" | "stops";

/** Every tool with its effect, in the order in which a conversation uses them. */
export const CATALOG = [
  { name: "list_flex_clusters", effect: "reads" },
  { name: "list_flex_snapshots", effect: "reads" },
  { name: "save_flex_snapshot", effect: "writes-file" },
  { name: "stop_saving_snapshot", effect: "stops" },
  { name: "list_saved_snapshots", effect: "reads-disk" },
  { name: "verify_saved_snapshot", effect: "reads-disk" },
  { name: "request_flex_snapshot_download", effect: "creates-job" },
  { name: "get_restore_job", effect: "reads" },
  { name: "list_restore_jobs", effect: "reads" },
] as const satisfies readonly { name: string; effect: Effect }[];

/** For a server that can neither save a snapshot nor request its link. */
export const ONLY_READS =
  "This server only reads: it was started read-only or with some of its tools (ATLAS_FLEX_READ_ONLY, ATLAS_FLEX_TOOLS), so it can neither save a snapshot nor request a download link.";

export type Offer = (typeof CATALOG)[number];
export type ToolName = Offer["name"];

/** `sentence` if that tool is offered, else `otherwise` or nothing: advice never names a tool that is not offered. */
export type IfTool = (name: ToolName, sentence: string, otherwise?: string) => string;

/** The tools that a configuration offers, in the order of the catalog. */
export function offersOf({
  readOnly,
  tools,
}: {
  readOnly: boolean;
  tools?: readonly string[] | undefined;
}): readonly Offer[] {
  return CATALOG.filter(({ name, effect }) => (!readOnly || onlyReads(effect)) && (!tools || tools.includes(name)));
}

export function onlyReads(effect: Effect): boolean {
  return effect === "reads" || effect === "reads-disk";
}
