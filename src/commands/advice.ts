// What a failure means and what to do about it, in the words of a person at a terminal.
import { detailOf, type Failure } from "../core/errors.ts";

const HOW_TO_SET = [
  "Make a service account in Atlas; docs/setup.md has the steps. Then set its id and the file of its secret, here as in the MCP client:",
  // Three lines that a shell reads as one command: a terminal's width would break a longer one where no shell may.
  "MONGODB_ATLAS_CLIENT_ID=mdb_sa_id_… \\",
  "MONGODB_ATLAS_CLIENT_SECRET_FILE=~/.atlas-flex-secret \\",
  "node dist/atlas-flex-snapshots-mcp.js check",
  "An API key works too: MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY_FILE.",
].join("\n");

/** In place of hints that name arguments of tools. */
const ADVICE: Readonly<Record<string, string>> = {
  CREDENTIALS_MISSING: HOW_TO_SET,
  SEVERAL_CLUSTERS: "Add --project and the id of the project that is meant.",
  CLUSTER_UNKNOWN:
    "Names are case-sensitive. The command status lists every Flex cluster; clusters of other tiers (M0, M10 and above) are not covered.",
  PROJECTS_UNREADABLE:
    "Try again, or add --project and the id of the cluster's project. Projects that stay unreadable need an invitation of the credentials, or ATLAS_FLEX_ALLOWED_PROJECTS without them.",
  NO_COMPLETE_SNAPSHOT:
    "Try again once Atlas has taken one; none can be taken on demand. For the data of this moment, use mongodump.",
  SAVED_ELSEWHERE: "Let the other process finish, then try again to see the file.",
  FILE_EXISTS: "Move that file, with its .json file, out of the download folder, then try again.",
};

const LISTED = "the command status --cluster NAME --json lists the ids of its backups";

/** Advice that names tools or a server, in the words of a command. */
export const IN_OTHER_WORDS: readonly [RegExp, string][] = [
  [/List the cluster's snapshots and use an id from there/, `Use another id: ${LISTED}`],
  [/Choose another snapshot of the cluster whose status is COMPLETED[^.]*\./, `Choose another backup: ${LISTED}.`],
  [/\bSave another snapshot of the cluster\b/g, `Save another backup with --snapshot (${LISTED})`],
  [/List the Flex clusters without a groupId to see the projects/, "The command check lists the projects"],
  [/List the Flex clusters of the project and use a name from there/, "The command status lists the Flex clusters"],
  [/set ATLAS_FLEX_DOWNLOAD_DIR and restart this server/, "add --download-dir"],
  [/, restart this server and call again/, " and try again"],
  [/\bCall again\b/g, "Try again"],
  [/\bcall again\b/g, "try again"],
];

/** What a person at a terminal can do, a line each. The hints of failures are written for callers of tools. */
export function adviceOn({ envelope: { errorCode = "", hint } }: Pick<Failure, "envelope">): string {
  const own = ADVICE[errorCode];
  return own ?? IN_OTHER_WORDS.reduce((text, [pattern, words]) => text.replace(pattern, words), hint);
}

/** The HTTP status, code and detail of a failure, as far as it has them. */
export function describeFailure({ envelope }: Pick<Failure, "envelope">): string {
  const { error, errorCode } = envelope;
  const facts = [error === undefined ? "" : `HTTP ${error}`, errorCode ?? ""].filter(Boolean).join(" ");
  return [facts, detailOf(envelope)].filter(Boolean).join(": ");
}

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
