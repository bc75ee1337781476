import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";

/** An error of JSON-RPC, or of MCP above it. */
export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}

/** What becomes of an incoming message: it goes on (changed or not), or it is a request that is answered right here. */
export type Verdict = { pass: JSONRPCMessage } | { result: Record<string, unknown> } | { error: RpcError };

/** A transport that looks at every message of another on its way in and out. */
export function wrapTransport(
  inner: Transport,
  look: { incoming: (message: JSONRPCMessage) => Verdict; outgoing?: (message: JSONRPCMessage) => JSONRPCMessage },
): Transport {
  const { incoming, outgoing = (message) => message } = look;

  function answer(request: JSONRPCMessage, verdict: Exclude<Verdict, { pass: JSONRPCMessage }>): void {
    if (!isRequest(request)) return;
    inner
      .send({ jsonrpc: "2.0", id: request.id, ...verdict })
      .catch((error) => wrapper.onerror?.(error instanceof Error ? error : new Error(String(error))));
  }

  const wrapper: Transport = {
    async start() {
      inner.onclose = () => wrapper.onclose?.();
      inner.onerror = (error) => wrapper.onerror?.(error);
      inner.onmessage = (message, extra) => {
        const verdict = incoming(message);
        if ("pass" in verdict) wrapper.onmessage?.(verdict.pass, extra);
        else answer(message, verdict);
      };
      await inner.start();
    },
    send: (message, options) => inner.send(outgoing(message), options),
    close: () => inner.close(),
  };
  return wrapper;
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}
