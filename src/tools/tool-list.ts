// What `tools/list` says of every tool; the build turns this file into data.
import { CATALOG, type Effect } from "./catalog.ts";
import { TOOLS } from "./index.ts";
import { inputSchema, type ObjectSchema, outputSchema } from "./json-schema.ts";

/** Given in full, because the protocol's defaults are pessimistic. */
const ANNOTATIONS: Record<Effect, Omit<ListedTool["annotations"], "title">> = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  "reads-disk": { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  "creates-job": { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  // With discard it deletes the part of a download, which can be downloaded again.
  stops: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  "writes-file": { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
};

interface ListedTool {
  name: string;
  title: string;
  description: string;
  inputSchema: ObjectSchema;
  outputSchema: ObjectSchema;
  annotations: {
    title: string;
    readOnlyHint: boolean;
    destructiveHint: boolean;
    idempotentHint: boolean;
    openWorldHint: boolean;
  };
}

/**
 * In the order of the catalog. The build evaluates this file and bundles the result, so that a host that only lists the tools, as
 * hosts do for every window, does not load them.
 */
export const TOOL_LIST: ListedTool[] = CATALOG.flatMap(({ name, effect }) =>
  TOOLS.filter((tool) => tool.name === name).map(({ title, description, input, output }) => ({
    name,
    title,
    description,
    inputSchema: inputSchema(input),
    outputSchema: outputSchema(output),
    annotations: { title, ...ANNOTATIONS[effect] },
  })),
);
