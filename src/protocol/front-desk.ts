// Answers what never changes before the SDK is loaded, and queues calls until the SDK's server is connected.
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import * as eras from "./eras.ts";
import { CODES, isRequest, type RpcError } from "./read-message.ts";

export type Reply = { result: eras.Result } | { error: RpcError };

/** Answers one method from its params and from what the client announced. */
export type Answer = (params: eras.Params, announced: eras.Announced) => Reply;

const internal = (message: string) => ({ error: { code: CODES.internal, message } });
/** An update or a new build takes the files away that a running process has not loaded yet. */
const NOT_LOADED = internal(
  "The server could not be loaded. If it was updated or built again, restart the MCP client.",
);

/** The methods that need the server. */
const SERVED = ["tools/call"];

/**
 * Hosts start a server for every window, and most windows never call a tool. So the SDK, which takes longer to load than the rest
 * of the start, is loaded with the first call. The server gets calls and their cancellations and nothing else; each call says in
 * its `_meta` what its client announced, whether in `initialize` or in the call itself.
 *
 * The answers serve all revisions of the protocol. Requests of older revisions are answered exactly as the SDK would answer them,
 * but for params of a wrong type: they are answered with -32602 and one sentence that repeats none of their values.
 */
export function createFrontDesk(
  inner: Transport,
  options: {
    facts: eras.ServerFacts;
    answers: Readonly<Record<string, Answer>>;
    /** Loads the server and connects it to this transport. Called with the first call, and again if it failed. */
    connect: (transport: Transport) => Promise<void>;
    /** `error`: what could not be loaded or answered; the requests get an error. `debug`: what was refused or not delivered. */
    report: (level: "error" | "debug", error: unknown) => void;
    onClose: () => void;
  },
): Pick<Transport, "start" | "close"> {
  const { answers, connect, report, onClose } = options;
  const { serverInfo, icons, capabilities, ...others } = options.facts;
  const about = (client: eras.Announced) => ({ capabilities: capabilities(client), ...others });
  let announced: eras.Announced = {};
  /** The calls that wait for the server; undefined when it is connected. */
  let queue: JSONRPCRequest[] | undefined = [];
  let isLoading = false;
  /** The methods of the stateless calls that the server has not answered yet: their results get what revision 2026-07-28 demands. */
  const statelessCalls = new Map<unknown, string>();

  const table = new Map<string, Answer>([
    ["initialize", (params) => ({ result: welcome(params) })],
    [eras.DISCOVER, (_, client) => ({ result: { supportedVersions: eras.SUPPORTED, ...about(client) } })],
    ["ping", () => ({ result: {} })],
    ...Object.entries(answers),
  ]);
  const isKnown = (method: string) => table.has(method) || SERVED.includes(method);

  function welcome({ protocolVersion: asked, capabilities: given }: eras.Params): eras.Result {
    announced = eras.announcedIn(given);
    const protocolVersion = eras.NEGOTIABLE.find((version) => version === asked) ?? eras.NEGOTIABLE[0];
    const named = { ...serverInfo, ...(icons && { icons }) };
    return { protocolVersion, serverInfo: named, ...about(announced) };
  }

  function take(request: JSONRPCRequest): void {
    const { id, method, params = {} } = request;
    const error = eras.refusalOf(request, isKnown);
    if (error) return reply(id, { error });
    const isModern = eras.isStateless(request);
    const client = isModern ? eras.announcedIn(params._meta?.[eras.KEY.capabilities]) : announced;
    const answer = table.get(method)?.(params, client);
    if (answer) {
      const isCompleted = isModern && "result" in answer;
      return reply(id, isCompleted ? { result: eras.complete(method, answer.result, serverInfo) } : answer);
    }
    if (isModern) statelessCalls.set(id, method);
    const call = eras.onlyWhatIsRead(request, client);
    if (!queue) return behind.onmessage?.(call);
    queue.push(call);
    if (!isLoading) void load();
  }

  async function load(): Promise<void> {
    isLoading = true;
    try {
      await connect(behind);
    } catch (error) {
      report("error", error);
      for (const { id } of queue?.splice(0) ?? []) reply(id, NOT_LOADED);
    }
    isLoading = false;
  }

  function cancel(notification: JSONRPCNotification): void {
    const id = notification.params?.requestId;
    // No answer will remove the entry of a cancelled request.
    statelessCalls.delete(id);
    if (queue) queue = queue.filter((waiting) => waiting.id !== id);
    else behind.onmessage?.(notification);
  }

  /** The SDK throws on some malformed messages, which must neither end the process nor hold up other messages. */
  function safely(message: JSONRPCMessage, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      report("error", error);
      if (isRequest(message)) reply(message.id, internal("Internal error"));
    }
  }

  function reply(id: RequestId, answer: Reply): void {
    statelessCalls.delete(id);
    inner.send({ jsonrpc: "2.0", id, ...answer }).catch((error) => report("debug", error));
  }

  /** What the server is connected to. It completes the results of stateless calls. */
  const behind: Transport = {
    async start() {
      const waiting = queue ?? [];
      queue = undefined;
      for (const call of waiting) safely(call, () => behind.onmessage?.(call));
    },
    send(message, sendOptions) {
      if ("method" in message) return inner.send(message, sendOptions);
      const method = statelessCalls.get(message.id);
      statelessCalls.delete(message.id);
      if (method === undefined || !("result" in message)) return inner.send(message);
      return inner.send({ ...message, result: eras.complete(method, message.result, serverInfo) });
    },
    close: () => inner.close(),
    onclose: onClose,
  };

  inner.onmessage = (message) =>
    safely(message, () => {
      if (isRequest(message)) take(message);
      else if ("method" in message) cancel(message);
    });
  inner.onerror = (error) => report("debug", error);
  inner.onclose = () => {
    queue &&= []; // Calls that still wait are not run any more.
    behind.onclose?.();
  };
  return { start: () => inner.start(), close: () => inner.close() };
}
