// Answers `initialize` before the SDK is loaded, and queues later messages until the server is connected.
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { announcesView, VIEW_CAPABILITIES } from "./announced.ts";
import { isObject, isRequest } from "./read-message.ts";
import { type Verdict, wrapTransport } from "./wrap-transport.ts";

/** The versions that the SDK negotiates, latest first. Importing the SDK's own list would load the SDK; a test compares both. */
export const NEGOTIABLE = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"] as const;

/** What the answers to `initialize` and `server/discover` contain. */
export interface ServerFacts {
  serverInfo: { name: string; version: string; title?: string };
  capabilities: Record<string, object>;
  instructions?: string;
  /** There is a view for the clients that show it. */
  hasView?: boolean;
}

/** The server's capabilities as one client sees them: only one that shows views sees that there is one. */
export function capabilitiesFor({ capabilities, hasView }: ServerFacts, showsViews: boolean): Record<string, object> {
  return hasView && showsViews ? { ...capabilities, ...VIEW_CAPABILITIES } : capabilities;
}

/**
 * Answers `initialize` exactly as the SDK's server does, so that the host does not wait until the SDK is loaded, which takes
 * longer than the rest of the start. The server does not see this `initialize`. It would need the client's capabilities only to
 * send requests to the client, which it never does; of them, only `showsViews` is kept. The next layers handle a malformed or stateless `initialize`.
 */
export function withHandshake(
  inner: Transport,
  facts: ServerFacts,
): {
  /** Starts to read; resolves with the first message. If that message was a well-formed `initialize`, it has been answered. */
  open: () => Promise<void>;
  /** Connect the server to this transport: it first delivers the messages that arrived before. */
  transport: Transport;
  /** Whether the client shows views; undefined unless its `initialize` was answered here. */
  showsViews: () => boolean | undefined;
} {
  let showsViews: boolean | undefined;
  let early: JSONRPCMessage[] | undefined = [];
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const front = wrapTransport(inner, {
    incoming: (message) => {
      begin();
      return isRequest(message) && isWellFormedInitialize(message) ? welcome(message) : { pass: message };
    },
  });

  function welcome({ params }: JSONRPCRequest): Verdict {
    const { serverInfo, instructions } = facts;
    showsViews = announcesView(params?.capabilities);
    const capabilities = capabilitiesFor(facts, showsViews);
    const protocolVersion = NEGOTIABLE.find((version) => version === params?.protocolVersion) ?? NEGOTIABLE[0];
    return { result: { protocolVersion, capabilities, serverInfo, ...(instructions && { instructions }) } };
  }

  /** If the SDK throws on one early message, the others are still delivered. */
  function deliver(message: JSONRPCMessage): void {
    try {
      transport.onmessage?.(message);
    } catch (error) {
      transport.onerror?.(new Error("A message could not be handled", { cause: error }));
    }
  }

  const transport: Transport = {
    async start() {
      const arrived = early ?? [];
      early = undefined;
      for (const message of arrived) deliver(message);
    },
    send: (message, options) => front.send(message, options),
    close: () => front.close(),
  };
  front.onmessage = (message) => (early ? void early.push(message) : transport.onmessage?.(message));
  front.onclose = () => transport.onclose?.();
  front.onerror = (error) => transport.onerror?.(error);

  async function open(): Promise<void> {
    await front.start();
    await begun;
  }

  return { open, transport, showsViews: () => showsViews };
}

function isWellFormedInitialize({ method, params }: JSONRPCRequest): boolean {
  // `_meta` may name the stateless revision.
  if (method !== "initialize" || !isObject(params) || params._meta !== undefined) return false;
  const { protocolVersion, capabilities, clientInfo } = params;
  return (
    typeof protocolVersion === "string" &&
    isObject(capabilities) &&
    Object.values(capabilities).every(isObject) &&
    isObject(clientInfo) &&
    typeof clientInfo.name === "string" &&
    typeof clientInfo.version === "string"
  );
}
