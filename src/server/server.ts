import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListToolsRequestSchema,
  type ListToolsResult,
  type ServerNotification,
} from "@modelcontextprotocol/sdk/types.js";
import { type ErrorEnvelope, Failure, ownFailure } from "../core/errors.ts";
import type { Log } from "../core/logger.ts";
import { bounded, type Clock } from "../core/time.ts";
import type { ServerFacts } from "../protocol/eras.ts";
import type { Offer } from "../tools/catalog.ts";
import type { Progress, Tool, ToolContext } from "../tools/tool.ts";
import { promptsFor, saveLatestSnapshot } from "./prompts.ts";

/** Every call ends within this: clients give up at 60 seconds, and a late answer helps nobody. */
const CALL_LIMIT_MS = 46_000;

/** Enough to choose from; the list itself is as long as whoever configured it likes. */
const MAX_NAMED_PROJECTS = 10;

interface ServerDependencies {
  facts: ServerFacts;
  /** The tools to register, in order. */
  offers: readonly Offer[];
  /** What is said of each tool; loaded when they are first listed. */
  loadToolList: () => Promise<ListToolsResult["tools"]>;
  /** All tools in full; loaded when one is first called. */
  loadTools: () => Promise<readonly Tool[]>;
  /** What tools need of the world, made when the first call needs it. */
  runtime: () => Promise<Pick<ToolContext, "atlas" | "store">>;
  /** Rejects every call; what stands in the way of all of them. */
  obstacle?: Failure;
  settings: Pick<ToolContext, "hideSnapshotUrls" | "projectId" | "allowedProjects">;
  simulated: boolean;
  clock: Clock;
  log: Log;
}

/** The MCP server with its tools and prompts; connect it to a transport to start it. */
export function createServer(deps: ServerDependencies): Server {
  const { offers, settings, simulated, clock, log } = deps;
  const names = offers.map(({ name }) => name);
  const server = new Server(deps.facts.serverInfo, deps.facts);
  server.setRequestHandler(ListToolsRequestSchema, async () => {
    const tools = await deps.loadToolList();
    return { tools: tools.filter(({ name }) => names.some((offered) => offered === name)) };
  });

  const prompts = promptsFor(names);
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [...prompts] }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
    if (!prompts.some(({ name }) => name === params.name)) throw invalidParams("Unknown prompt.");
    const prompt = saveLatestSnapshot(params.arguments);
    if (!prompt)
      throw invalidParams(
        "cluster must be the name of a Flex cluster; project, if given, an id of 24 lower-case hexadecimal characters.",
      );
    return prompt;
  });

  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => answer(params, extra));

  async function answer(
    params: { name: string; arguments?: Record<string, unknown> | undefined },
    extra: Extra,
  ): Promise<CallToolResult> {
    const name = names.find((offered) => offered === params.name);
    const tool = name && (await deps.loadTools()).find((known) => known.name === name);
    if (!tool) throw invalidParams(`Unknown tool. Known: ${names.join(", ")}.`);
    const args = params.arguments ?? {};
    const startedAt = clock.ticks();
    const done = (outcome: string) =>
      log.info({ tool: tool.name, outcome, ms: Math.round(clock.ticks() - startedAt) }, "tool call");
    try {
      const value = await run(tool, args, extra);
      done("ok");
      return successResult(value, { simulated, indent: args.pretty === true });
    } catch (error) {
      if (extra.signal.aborted) {
        done("cancelled");
        throw error;
      }
      const failure = error instanceof Failure ? error : internalFailure(error, log);
      done(failure.code ?? String(failure.envelope.error));
      if (failure.cause !== undefined) log.debug({ tool: tool.name, error: failure }, "cause of the failure");
      return failureResult(tool.name, failure.envelope, { simulated });
    }
  }

  async function run(tool: Tool, args: Record<string, unknown>, extra: Extra): Promise<object> {
    if (deps.obstacle) throw deps.obstacle;
    const call = tool.prepare(args);
    const { groupId } = call.args;
    if (typeof groupId === "string" && settings.allowedProjects?.includes(groupId) === false)
      throw notAllowed(groupId, settings.allowedProjects);
    const deadline = clock.now() + CALL_LIMIT_MS;
    return bounded(clock, { deadline, signal: extra.signal }, async (signal) => {
      const runtime = await deps.runtime();
      return call.run({
        ...runtime,
        ...settings,
        clock,
        deadline,
        signal,
        report: reporter(extra, log),
        ifTool: (name, sentence, otherwise = "") => (names.includes(name) ? sentence : otherwise),
      });
    });
  }

  return server;
}

/** The ids are settings, no secrets. */
function notAllowed(groupId: string, allowed: readonly string[]): Failure {
  const named = allowed.slice(0, MAX_NAMED_PROJECTS).join(", ");
  const others = allowed.length > MAX_NAMED_PROJECTS ? ` and ${allowed.length - MAX_NAMED_PROJECTS} more` : "";
  return ownFailure("PROJECT_NOT_ALLOWED", {
    detail: `Project ${groupId} is not in ATLAS_FLEX_ALLOWED_PROJECTS, which allows ${named}${others}; nothing was sent.`,
  });
}

/** An error of the protocol itself, with JSON-RPC's code for parameters that cannot be used. */
function invalidParams(message: string): Error {
  return Object.assign(new Error(message), { code: -32602 });
}

/** What the protocol hands to a handler, as far as it is used here. */
interface Extra {
  signal: AbortSignal;
  _meta?: { progressToken?: string | number | undefined } | undefined;
  sendNotification: (notification: ServerNotification) => Promise<void>;
}

/** Sends progress to a client that asked for it, only ever upwards as the protocol demands. */
function reporter({ _meta, sendNotification, signal }: Extra, log: Log): (progress: Progress) => void {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let last = -1;
  return (update) => {
    if (update.progress <= last || signal.aborted) return;
    last = update.progress;
    sendNotification({ method: "notifications/progress", params: { progressToken, ...update } }).catch(
      (error: unknown) => log.debug({ error }, "progress could not be sent"),
    );
  };
}

/** A fault of our own: the log gets it whole, the caller only that it happened. */
function internalFailure(error: unknown, log: Log): Failure {
  log.error({ error }, "internal error");
  return ownFailure("INTERNAL_ERROR", {}, { cause: error });
}

/** A success: the value as structured content, and the same facts as JSON text for clients that show only that. */
function successResult(value: object, { simulated, indent }: { simulated: boolean; indent: boolean }): CallToolResult {
  const text = JSON.stringify(simulated ? { ...value, simulated } : value, null, indent ? 2 : 0);
  const structuredContent: Record<string, unknown> = JSON.parse(text);
  return { content: [{ type: "text", text }], structuredContent };
}

/** A failure: prose that is complete without the envelope, and the envelope, which satisfies the tool's output schema too. */
export function failureResult(
  tool: string,
  error: ErrorEnvelope,
  { simulated }: { simulated: boolean },
): CallToolResult {
  return {
    isError: true,
    content: [{ type: "text", text: proseOf(simulated ? `${tool} (simulated)` : tool, error) }],
    structuredContent: { ...(simulated ? { simulated } : {}), error },
  };
}

function proseOf(tool: string, envelope: ErrorEnvelope): string {
  const { error, errorCode, reason, detail, parameters, badRequestDetail, source, retryable, retryAfterSeconds, hint } =
    envelope;
  const facts = [error === undefined ? "" : `HTTP ${error}${reason ? ` ${reason}` : ""}`, errorCode]
    .filter(Boolean)
    .join(", ");
  const fields = badRequestDetail?.fields
    .filter(({ description }) => !detail?.includes(description))
    .map(({ field, description }) => `${field} ${description}`);
  return [
    `${tool} failed: ${facts || "no code"} (source: ${source}).`,
    detail && sentence(detail),
    fields?.length && sentence(fields.join("; ")),
    parameters?.some((parameter) => !detail?.includes(parameter)) && `Parameters: ${parameters.join(", ")}.`,
    `What to do: ${sentence(hint)}`,
    retryable
      ? `The same call may succeed later${retryAfterSeconds === undefined ? "" : `, after ${retryAfterSeconds} seconds`}.`
      : "Repeating the call as it is will not help.",
  ]
    .filter(Boolean)
    .join(" ");
}

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);
