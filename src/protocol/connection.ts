import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type ServerFacts, withEras } from "./eras.ts";
import { withHandshake } from "./handshake.ts";
import { createStdioTransport } from "./stdio-transport.ts";

/** The whole of what stands between standard streams and the SDK's `Server`. */
export interface Connection {
  /** Starts to read; call it when all who must hear of a broken stream listen to it. */
  open: () => Promise<void>;
  /** Resolves with the first message; a host that waits for `initialize` has its answer then. */
  begun: Promise<void>;
  /** For the server, once it is loaded: everything else waits for it. */
  transport: () => Promise<Transport>;
  /** Resolves when every request received so far was answered or cancelled. */
  idle: () => Promise<void>;
}

export function createConnection(stdin: Readable, stdout: Writable, facts: ServerFacts): Connection {
  const stdio = createStdioTransport(stdin, stdout);
  const { transport, open, begun } = withHandshake(stdio, facts);
  return {
    open,
    begun,
    transport: async () => {
      // It checks with the SDK's schemas, so it is loaded together with the SDK.
      const { withCheckedParams } = await import("./request-params.ts");
      // The era comes first: a method that a revision removed is unknown there, whatever its params look like.
      return withCheckedParams(withEras(transport, facts));
    },
    idle: stdio.idle,
  };
}
