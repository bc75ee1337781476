import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import type { ServerFacts } from "./eras.ts";
import { isObject } from "./read-message.ts";
import { isRequest, type Verdict, wrapTransport } from "./wrap-transport.ts";

/** What the SDK negotiates, the latest first: importing its own list would load all of it. A test compares the two. */
export const NEGOTIABLE = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"] as const;

/** A transport that is open before a server is connected to it. */
interface Handshake {
  /** For the server: what arrived before it is connected waits for it. */
  transport: Transport;
  /** Starts to read. */
  open: () => Promise<void>;
  /** Resolves with the first message. If that was a usual `initialize`, it has been answered. */
  begun: Promise<void>;
}

/**
 * Answers `initialize` as the SDK's server does, so that a host does not wait until the SDK is loaded, which takes longer than
 * everything else at the start. Only a usual one: what is malformed or belongs to the stateless revision is for the layers
 * behind. The server never hears of it; it needs the client's capabilities only to ask the client something.
 */
export function withHandshake(inner: Transport, facts: ServerFacts): Handshake {
  let waiting: JSONRPCMessage[] | undefined = [];
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const front = wrapTransport(inner, {
    incoming: (message) => {
      begin();
      return isRequest(message) && isUsual(message) ? welcome(message) : { pass: message };
    },
  });

  function welcome({ params }: JSONRPCRequest): Verdict {
    const { capabilities, serverInfo, instructions } = facts;
    const protocolVersion = NEGOTIABLE.find((version) => version === params?.protocolVersion) ?? NEGOTIABLE[0];
    return { result: { protocolVersion, capabilities, serverInfo, ...(instructions && { instructions }) } };
  }

  /** As a message that arrives later would, one that the SDK throws at takes none of the others with it. */
  function hand(message: JSONRPCMessage): void {
    try {
      transport.onmessage?.(message);
    } catch (error) {
      transport.onerror?.(new Error("A message could not be handled", { cause: error }));
    }
  }

  const transport: Transport = {
    start: async () => {
      const arrived = waiting ?? [];
      waiting = undefined;
      for (const message of arrived) hand(message);
    },
    send: (message, options) => front.send(message, options),
    close: () => front.close(),
  };
  front.onmessage = (message) => (waiting ? void waiting.push(message) : transport.onmessage?.(message));
  front.onclose = () => transport.onclose?.();
  front.onerror = (error) => transport.onerror?.(error);
  return { transport, open: () => front.start(), begun };
}

function isUsual({ method, params }: JSONRPCRequest): boolean {
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
