// Builds a layer around a transport that sees every message and may answer requests itself.
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { isRequest, type RpcError } from "./read-message.ts";

/** What happens to an incoming message: the layer passes it on, possibly changed, or answers the request itself. */
export type Verdict = { pass: JSONRPCMessage } | { result: Record<string, unknown> } | { error: RpcError };

export function wrapTransport(
  inner: Transport,
  look: { incoming: (message: JSONRPCMessage) => Verdict; outgoing?: (message: JSONRPCMessage) => JSONRPCMessage },
): Transport {
  const { incoming, outgoing = (message) => message } = look;
  const wrapper: Transport = {
    async start() {
      inner.onclose = () => wrapper.onclose?.();
      inner.onerror = (error) => wrapper.onerror?.(error);
      inner.onmessage = (message, extra) => {
        const verdict = incoming(message);
        if ("pass" in verdict) wrapper.onmessage?.(verdict.pass, extra);
        else if (isRequest(message))
          inner
            .send({ jsonrpc: "2.0", id: message.id, ...verdict })
            .catch((error) => wrapper.onerror?.(error instanceof Error ? error : new Error(String(error))));
      };
      await inner.start();
    },
    send: (message, options) => inner.send(outgoing(message), options),
    close: () => inner.close(),
  };
  return wrapper;
}
