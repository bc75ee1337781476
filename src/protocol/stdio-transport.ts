import type { Readable, Writable } from "node:stream";
import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { createIntake, createLineSplitter } from "./input.ts";
import { CODES, type Refusal, readMessage } from "./read-message.ts";

/** Our largest valid request is below 2 KiB; this is what a client may waste before we stop keeping it. */
const LINE_LIMIT_BYTES = 1024 * 1024;

/** What may be in flight at once; a host has a few. More are refused, since each holds memory until it is answered. */
const MAX_OPEN_REQUESTS = 4_000;

interface StdioTransport extends Transport {
  /** Resolves when every request that arrived so far was answered or cancelled. */
  idle(): Promise<void>;
}

/**
 * JSON-RPC over a pair of streams, one message per line. Unlike the SDK's own transport it answers what it cannot read
 * instead of staying silent or closing, cancels requests under any id, survives a reader that goes away, and takes in no
 * more while nobody reads the answers. It never ends by itself on bad input; `onerror` hears of it, without the input's
 * text. The end of the input is the owner's business (see `runUntilEnd`); a broken output closes the transport.
 */
export function createStdioTransport(
  stdin: Readable,
  stdout: Writable,
  { lineLimitBytes = LINE_LIMIT_BYTES }: { lineLimitBytes?: number } = {},
): StdioTransport {
  const ids = createRequestIds();
  const lines = createLineSplitter({
    limitBytes: lineLimitBytes,
    onLine: receive,
    onOverlong: () =>
      refuse({ id: null, code: CODES.request, message: `Invalid request: the line exceeds ${lineLimitBytes} bytes` }),
  });
  const intake = createIntake(stdin, {
    isFull: () => stdout.writableNeedDrain,
    push: lines.push,
    end: lines.end,
  });
  let state: "new" | "open" | "closed" = "new";
  let drained: Promise<void> | undefined;
  let stopWaiting = () => {};

  function receive(line: Buffer): void {
    const reading = readMessage(line);
    if (reading.kind === "message") deliver(reading.message);
    else if (reading.kind === "refused") refuse(reading.refusal);
    else if (reading.reason !== undefined) report(new Error(reading.reason));
  }

  function deliver(message: JSONRPCMessage): void {
    if (!("method" in message)) return hand(message);
    if ("id" in message) {
      if (ids.count() >= MAX_OPEN_REQUESTS)
        return refuse({
          id: message.id,
          code: CODES.busy,
          message: "Too many requests are open; wait for their answers",
        });
      const id = ids.open(message.id);
      if (id !== undefined) return hand({ ...message, id });
      return refuse({ id: message.id, code: CODES.request, message: "Invalid request: the id is already in use" });
    }
    if (message.method !== "notifications/cancelled") return hand(message);
    const clientId = message.params?.requestId;
    const id = typeof clientId === "string" || typeof clientId === "number" ? ids.ownIdOf(clientId) : undefined;
    // Its answer may have crossed the cancellation on the way: MCP asks to ignore it then.
    if (id === undefined) return;
    hand({ ...message, params: { ...message.params, requestId: id } });
    ids.close(id);
  }

  /** The SDK throws in `onmessage` on some malformed messages; none of them may end the process. */
  function hand(message: JSONRPCMessage): void {
    try {
      transport.onmessage?.(message);
    } catch (error) {
      report(new Error("A message could not be handled", { cause: error }));
    }
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
      // Progress must stop with the answer (MCP, progress): what comes later is dropped here.
      if (request !== undefined && !ids.isOpen(request)) return;
      return write(message);
    }
    const id = message.id === undefined ? undefined : ids.close(message.id);
    // Cancelled requests get no answer.
    if (id === undefined) return;
    return write({ ...message, id });
  }

  function write(message: Record<string, unknown>): Promise<void> {
    if (state !== "open") return Promise.reject(new Error("The transport is not open"));
    if (stdout.write(toLine(message))) return Promise.resolve();
    // One listener for all senders, however many wait.
    drained ??= new Promise<void>((resolve) => {
      stopWaiting = resolve;
      stdout.once("drain", () => {
        drained = undefined;
        resolve();
        intake.goOn();
      });
    });
    return drained;
  }

  /** Also makes what cannot be expressed in JSON an error, so that its request is answered at all. */
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
    intake.stop();
    stopWaiting();
    transport.onclose?.();
  }

  const transport: StdioTransport = {
    async start() {
      if (state !== "new") throw new Error("The transport was started before");
      state = "open";
      intake.start();
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
      await intake.empty();
      await ids.idle();
    },
  };
  return transport;
}

/** Valid in JSON, but line ends for Python's `splitlines` and Node's `readline`, with which clients may read us. */
function withoutLineBreaks(json: string): string {
  return json.replace(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Gives every request in flight an id of our own, from 1 up. The SDK cannot cancel a request whose id is 0, and two
 * requests in flight under one id would take each other's cancellation.
 */
function createRequestIds() {
  const ownIds = new Map<RequestId, number>();
  const clientIds = new Map<RequestId, RequestId>();
  const idle = new Set<() => void>();
  let lastId = 0;

  return {
    /** The own id of a new request, or `undefined` while another with the same id is in flight. */
    open(clientId: RequestId): number | undefined {
      if (ownIds.has(clientId)) return undefined;
      lastId += 1;
      ownIds.set(clientId, lastId);
      clientIds.set(lastId, clientId);
      return lastId;
    },
    /** How many requests are in flight. */
    count: (): number => clientIds.size,
    ownIdOf: (clientId: RequestId): number | undefined => ownIds.get(clientId),
    isOpen: (ownId: RequestId): boolean => clientIds.has(ownId),
    /** Ends a request that was answered or cancelled; returns the client's id unless it had ended before. */
    close(ownId: RequestId): RequestId | undefined {
      const clientId = clientIds.get(ownId);
      if (clientId === undefined) return undefined;
      clientIds.delete(ownId);
      ownIds.delete(clientId);
      if (clientIds.size === 0) {
        for (const resolve of idle) resolve();
        idle.clear();
      }
      return clientId;
    },
    /** Resolves when no request is in flight. */
    idle(): Promise<void> {
      return new Promise((resolve) => {
        if (clientIds.size === 0) resolve();
        else idle.add(resolve);
      });
    },
  };
}
