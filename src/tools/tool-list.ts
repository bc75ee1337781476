// What `tools/list` says of every tool; the build turns this file into data.
import { CATALOG, type Effect } from "./catalog.ts";
import { TOOLS } from "./index.ts";
import { inputSchema, type ObjectSchema, outputSchema } from "./json-schema.ts";

/** The protocol's defaults are pessimistic, so all four are always given. */
const ANNOTATIONS: Record<Effect, Omit<ListedTool["annotations"], "title">> = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  "reads-disk": { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  "creates-job": { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
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
 * What `tools/list` says of every tool, in the order of the catalog. The build evaluates this file and bundles the outcome, so
 * that a host that only lists the tools, as it does for every window, does not load them.
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
