import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, type CallToolResult, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { Atlas } from "./atlas/client.ts";
import { type ErrorEnvelope, Failure } from "./errors.ts";
import { tools } from "./tools/index.ts";
import type { Effect, Tool } from "./tools/tool.ts";

/** Every call ends within this, since clients give up at 60 seconds. */
const CALL_LIMIT_MS = 50_000;

/** The MCP server with its tools; connect it to a transport to start it. */
export function createServer(deps: { atlas: Atlas; version: string; now?: () => number }): Server {
  const now = deps.now ?? Date.now;
  const server = new Server(
    { name: "atlas-flex-snapshots", version: deps.version },
    {
      capabilities: { tools: {} },
      instructions:
        "MongoDB Atlas Flex snapshot downloads. Find the snapshot with list_flex_snapshots, create its link with request_flex_snapshot_download, follow it with get_restore_job.",
    },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(describe) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (!tool) throw Object.assign(new Error("Unknown tool"), { code: -32602 });
    try {
      const context = {
        atlas: deps.atlas,
        now,
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]),
      };
      return success(await tool.run(params.arguments ?? {}, context));
    } catch (error) {
      return failure(toEnvelope(error));
    }
  });
  return server;
}

function describe({ name, title, description, effect, input }: Tool) {
  return {
    name,
    title,
    description,
    inputSchema: z
      .object({ type: z.literal("object") })
      .loose()
      .parse(z.toJSONSchema(input, { io: "input" })),
    annotations: { title, ...ANNOTATIONS[effect] },
  };
}

const ANNOTATIONS: Record<Effect, object> = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  "creates-job": { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
};

function success(value: object): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: { ...value } };
}

function failure(envelope: ErrorEnvelope): CallToolResult {
  const { error, errorCode, reason, detail, hint } = envelope;
  const fields = envelope.badRequestDetail?.fields.map(({ field, description }) => `${field}: ${description}`);
  const text = [error, errorCode, reason, detail, ...(fields ?? []), hint].filter(Boolean).join(". ");
  return { isError: true, content: [{ type: "text", text }], structuredContent: { error: envelope } };
}

function toEnvelope(error: unknown): ErrorEnvelope {
  if (error instanceof Failure) return error.envelope;
  if (error instanceof z.ZodError) {
    return {
      errorCode: "INVALID_INPUT",
      badRequestDetail: {
        fields: error.issues.map(({ path, message }) => ({
          field: path.join(".") || "arguments",
          description: message,
        })),
      },
      source: "input",
      retryable: false,
      hint: "Correct the named fields and call again.",
    };
  }
  return {
    errorCode: "INTERNAL_ERROR",
    source: "configuration",
    retryable: false,
    hint: "This is a fault of the server itself.",
  };
}
