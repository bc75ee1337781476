// The MCP server behind the front desk: runs a tool, and turns its value or failure into a result.
import { STATUS_CODES } from "node:http";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  type ServerNotification,
  type ServerRequest,
} from "@modelcontextprotocol/sdk/types.js";
import { checkAllowed } from "../atlas/look.ts";
import type { Config } from "../config/types.ts";
import { type ErrorEnvelope, Failure, ownFailure } from "../core/errors.ts";
import type { Log } from "../core/logger.ts";
import { isOwnCode } from "../core/own-errors.ts";
import { says } from "../core/text.ts";
import { bounded, systemClock, USUAL_MAX_WAIT_SECONDS } from "../core/time.ts";
import { type Announced, KEY, type ServerFacts } from "../protocol/eras.ts";
import { CODES, isObject } from "../protocol/read-message.ts";
import type { IfTool, ToolName } from "../tools/catalog.ts";
import { TOOLS } from "../tools/index.ts";
import type { Progress, Tool, ToolContext, ToolSettings } from "../tools/tool.ts";
import { asideMeta } from "./view.ts";

/** A last look after the wait. README and instructions promise that a call ends within ten seconds after its longest wait. */
const LAST_LOOK_MS = 6_000;

interface ServerDependencies {
  serverInfo: ServerFacts["serverInfo"];
  /** The tools to offer. */
  tools: readonly ToolName[];
  config: ToolSettings & Pick<Config, "simulate">;
  /** Problems of the configuration. If there are any, every call fails and names them. */
  problems: readonly string[];
  log: Log;
  /** Whether a client that announced this gets the view of a save. */
  showsView: (client: Announced) => boolean;
  /** Called for every tool call; the first call starts the runtime. */
  startRuntime: () => Promise<Pick<ToolContext, "atlas" | "store" | "saves">>;
}

/** Connect the server to the front desk to start it. */
export function createServer({
  serverInfo,
  tools,
  config,
  problems,
  log,
  showsView,
  startRuntime,
}: ServerDependencies): Server {
  const server = new Server(serverInfo, { capabilities: { tools: {} } });
  const { hideSnapshotUrls, projectId, allowedProjects, maxWaitSeconds } = config;
  const isOffered = (name: string) => tools.some((offered) => offered === name);
  const ifTool: IfTool = (name, sentence, otherwise = "") => (isOffered(name) ? sentence : otherwise);

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const tool = TOOLS.find(({ name }) => name === params.name && isOffered(name));
    if (!tool) throw invalidParams(`Unknown tool. Known: ${tools.join(", ")}.`);
    const args = params.arguments ?? {};
    const startedAt = systemClock.ticks();
    const logCall = (outcome: string) =>
      log.info({ tool: tool.name, outcome, ms: Math.round(systemClock.ticks() - startedAt) }, "tool call");
    try {
      let aside = {};
      const value = await run(tool, args, extra, (facts) => {
        aside = asideMeta(facts);
      });
      logCall("ok");
      const result = successResult(value, { simulated: config.simulate, indent: args.pretty === true });
      // The front desk has put there what the client announced, in either era.
      const client = extra._meta?.[KEY.capabilities];
      return isObject(client) && showsView(client) ? { ...result, ...aside } : result;
    } catch (error) {
      if (extra.signal.aborted) {
        logCall("cancelled");
        throw error;
      }
      const failure = error instanceof Failure ? error : internalFailure(error, log);
      logCall(failure.code ?? String(failure.envelope.error));
      if (failure.cause !== undefined) log.debug({ tool: tool.name, error: failure }, "cause of the failure");
      return failureResult(tool.name, failure.envelope, { simulated: config.simulate });
    }
  });

  async function run(
    tool: Tool,
    args: Record<string, unknown>,
    extra: Extra,
    aside: ToolContext["aside"],
  ): Promise<object> {
    if (problems.length > 0) throw ownFailure("CONFIGURATION_INVALID", { detail: problems.join(" ") });
    const call = tool.prepare(args, ifTool);
    const { groupId } = call.args;
    if (typeof groupId === "string") checkAllowed(groupId, allowedProjects);
    const longestWait = "waitSeconds" in tool.input.shape ? maxWaitSeconds : 0;
    const deadline = systemClock.now() + Math.max(USUAL_MAX_WAIT_SECONDS, longestWait) * 1000 + LAST_LOOK_MS;
    return bounded(systemClock, { deadline, signal: extra.signal }, async (signal) =>
      call.run({
        ...(await startRuntime()),
        hideSnapshotUrls,
        projectId,
        allowedProjects,
        maxWaitSeconds,
        clock: systemClock,
        deadline,
        signal,
        report: reporter(extra, log),
        aside,
      }),
    );
  }

  return server;
}

/** An error of the protocol itself, with JSON-RPC's code for params that cannot be used. */
function invalidParams(message: string): Error {
  return Object.assign(new Error(message), { code: CODES.params });
}

type Extra = Pick<RequestHandlerExtra<ServerRequest, ServerNotification>, "signal" | "_meta" | "sendNotification">;

/** How much progress grows when nothing has changed: MCP requires that it rises with each message. */
const STANDSTILL = 0.001;

/** Sends progress to a client that asked for it. */
function reporter({ _meta, sendNotification, signal }: Extra, log: Log): (progress: Progress) => void {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let last = -1;
  return ({ total, ...update }) => {
    if (signal.aborted) return;
    const progress = Math.max(update.progress, last + STANDSTILL);
    last = progress;
    const params = {
      progressToken,
      ...update,
      progress,
      ...(total === undefined ? {} : { total: Math.max(total, progress) }),
    };
    sendNotification({ method: "notifications/progress", params }).catch((error: unknown) =>
      log.debug({ error }, "progress could not be sent"),
    );
  };
}

/** A bug of this server: the log gets the whole error, the caller only a general one. */
function internalFailure(error: unknown, log: Log): Failure {
  log.error({ error }, "internal error");
  return ownFailure("INTERNAL_ERROR", {}, { cause: error });
}

/** The value as structured content, and as JSON text for clients that show only text. */
function successResult(value: object, { simulated, indent }: { simulated: boolean; indent: boolean }): CallToolResult {
  const text = JSON.stringify(simulated ? { ...value, simulated } : value, null, indent ? 2 : 0);
  const structuredContent: Record<string, unknown> = JSON.parse(text);
  return { content: [{ type: "text", text }], structuredContent };
}

/** The error as prose for clients that show only text, and as the envelope that the tool's output schema allows. */
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

/**
 * Every fact of the envelope in sentences. What Atlas wrote is quoted and named as Atlas's, so that nothing of it can pass for the
 * advice after it. The hint is the whole advice; whether and when to repeat the call is part of it.
 */
function proseOf(tool: string, envelope: ErrorEnvelope): string {
  const { error, errorCode, source, retryable, hint } = envelope;
  const facts = [error === undefined ? "" : `HTTP ${error}${standardReason(envelope)}`, errorCode].filter(Boolean);
  return [
    `${tool} failed: ${facts.join(", ") || "no code"} (source: ${source}).`,
    isOwnCode(errorCode) ? ownWords(envelope) : atlasWords(envelope),
    `What to do: ${sentence(hint)}`,
    retryable ? "The same call may succeed later." : "Retrying unchanged now will not help.",
  ]
    .filter(Boolean)
    .join(" ");
}

function ownWords({ detail = "", badRequestDetail }: ErrorEnvelope): string {
  const fields = badRequestDetail?.fields
    .filter(({ description }) => !detail.includes(description))
    .map(({ field, description }) => sentence(`${field} ${description}`));
  return [detail && sentence(detail), ...(fields ?? [])].filter(Boolean).join(" ");
}

/** Says nothing twice: Atlas's detail often repeats its parameters. */
function atlasWords(envelope: ErrorEnvelope): string {
  const { reason, detail, parameters, badRequestDetail } = envelope;
  const texts = [
    standardReason(envelope) ? undefined : reason,
    detail,
    ...(badRequestDetail?.fields ?? []).flatMap(({ field, description }) => [field, description]),
    ...(parameters ?? []).filter((parameter) => !detail?.includes(parameter)),
  ].flatMap((text) => text || []);
  return texts.length > 0 ? says("Atlas", ...texts) : "";
}

/** Atlas's reason where it is the usual phrase of the status (RFC 9110 section 15). */
function standardReason({ error = 0, reason = "" }: ErrorEnvelope): string {
  return reason !== "" && STATUS_CODES[error] === reason ? ` ${reason}` : "";
}

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);
