// Exchanges JSON-RPC messages with the client over standard input and output, one message per line.
import type { Readable, Writable } from "node:stream";
import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js";
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { createLineReader } from "./input.ts";
import { CODES, isRequest, type Refusal, readMessage } from "./read-message.ts";

/** The largest valid request of this server is below 2 KiB. */
const LINE_LIMIT_BYTES = 1024 * 1024;

/** Hosts have only a few requests in flight. Each takes memory until it is answered, so requests above this number are refused. */
const MAX_OPEN_REQUESTS = 4_000;

interface StdioTransport extends Transport {
  /** Resolves when every request that arrived so far was answered or cancelled. */
  idle(): Promise<void>;
}

/**
 * Differs from the SDK's own transport: it answers a line that it cannot read instead of staying silent or closing, cancels
 * requests under any id, survives a reader that goes away, and queues requests while nobody reads the answers. Bad input does
 * not close the transport: `onerror` reports it without the input's text. A broken output closes the transport. The end of the
 * input does not, because `runUntilEnd` handles it.
 */
export function createStdioTransport(
  stdin: Readable,
  stdout: Writable,
  { lineLimitBytes = LINE_LIMIT_BYTES }: { lineLimitBytes?: number } = {},
): StdioTransport {
  let state: "new" | "open" | "closed" = "new";
  const input = createLineReader(stdin, {
    isOutputFull: () => stdout.writableNeedDrain,
    limitBytes: lineLimitBytes,
    onLine(line) {
      const reading = readMessage(line);
      if (reading.kind === "refused") refuse(reading.refusal);
      else if (reading.kind === "dropped") reading.reason !== undefined && report(new Error(reading.reason));
      else if (isRequest(reading.message)) openRequest(reading.message);
      else if (reading.message.method === "notifications/cancelled") cancelRequest(reading.message);
      // The server has no use for other notifications.
    },
    onOverlong: () =>
      refuse({ id: null, code: CODES.request, message: `Invalid request: the line exceeds ${lineLimitBytes} bytes` }),
  });

  // The SDK gets an id of our own for each request, from 1 up. The SDK cannot cancel a request whose id is 0, and it would
  // confuse a cancelled request that still runs with a new request under the same id.
  const ownIds = new Map<RequestId, number>();
  const clientIds = new Map<RequestId, RequestId>();
  let lastId = 0;
  let onIdle: (() => void)[] = [];

  function openRequest(request: JSONRPCRequest): void {
    const { id } = request;
    if (clientIds.size >= MAX_OPEN_REQUESTS)
      return refuse({ id, code: CODES.busy, message: "Too many requests are open; wait for their answers" });
    if (ownIds.has(id))
      return refuse({ id, code: CODES.request, message: "Invalid request: the id is already in use" });
    lastId += 1;
    ownIds.set(id, lastId);
    clientIds.set(lastId, id);
    transport.onmessage?.({ ...request, id: lastId });
  }

  function cancelRequest(notification: JSONRPCNotification): void {
    const clientId = notification.params?.requestId;
    const id = typeof clientId === "string" || typeof clientId === "number" ? ownIds.get(clientId) : undefined;
    // An unknown id: the answer may already be on its way. MCP says to ignore such a cancellation.
    if (id === undefined) return;
    transport.onmessage?.({ ...notification, params: { ...notification.params, requestId: id } });
    closeRequest(id);
  }

  /** Returns the client's id; undefined if the request was already answered or cancelled. */
  function closeRequest(id: RequestId): RequestId | undefined {
    const clientId = clientIds.get(id);
    if (clientId === undefined) return undefined;
    clientIds.delete(id);
    ownIds.delete(clientId);
    if (clientIds.size === 0) {
      for (const resolve of onIdle) resolve();
      onIdle = [];
    }
    return clientId;
  }

  function refuse({ id, code, message }: Refusal): void {
    report(new Error(message));
    write({ jsonrpc: "2.0", id, error: { code, message } }).catch(report);
  }

  function report(error: unknown): void {
    transport.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }

  async function send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ("method" in message) {
      const request = options?.relatedRequestId;
      // MCP allows no progress after the answer, so later progress is dropped.
      if (request !== undefined && !clientIds.has(request)) return;
      return write(message);
    }
    const id = message.id === undefined ? undefined : closeRequest(message.id);
    // Cancelled requests get no answer.
    if (id === undefined) return;
    return write({ ...message, id });
  }

  let drained: Promise<void> | undefined;
  let stopWaiting = () => {};

  function write(message: Record<string, unknown>): Promise<void> {
    if (state !== "open") return Promise.reject(new Error("The transport is not open"));
    if (stdout.write(toLine(message))) return Promise.resolve();
    // All waiting senders share one listener.
    drained ??= new Promise<void>((resolve) => {
      stopWaiting = resolve;
      stdout.once("drain", () => {
        drained = undefined;
        resolve();
        input.resume();
      });
    });
    return drained;
  }

  /** An answer that JSON cannot express becomes an error, so that the request still gets an answer. */
  function toLine(message: Record<string, unknown>): string {
    try {
      return `${withoutLineBreaks(JSON.stringify(message))}\n`;
    } catch (error) {
      report(new Error("An answer cannot be expressed in JSON", { cause: error }));
      const failure = { code: CODES.internal, message: "Internal error: the answer cannot be expressed in JSON" };
      return `${JSON.stringify({ jsonrpc: "2.0", id: message.id, error: failure })}\n`;
    }
  }

  async function close(): Promise<void> {
    if (state === "closed") return;
    state = "closed";
    input.stop();
    stopWaiting();
    transport.onclose?.();
  }

  const transport: StdioTransport = {
    async start() {
      if (state !== "new") throw new Error("The transport was started before");
      state = "open";
      input.start();
      stdin.on("error", report);
      // These stay after close(): a late EPIPE without a listener would be an uncaught exception.
      stdout.on("error", (error) => {
        report(error);
        void close();
      });
      stdout.on("close", close);
    },
    send,
    close,
    async idle() {
      await input.whenEmpty();
      if (clientIds.size > 0) await new Promise<void>((resolve) => onIdle.push(resolve));
    },
  };
  return transport;
}

/** These characters are valid in JSON, but Python's `splitlines` and Node's `readline`, which clients use, end a line at them. */
function withoutLineBreaks(json: string): string {
  return json.replace(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
