import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type ServerFacts, withEras } from "./eras.ts";
import { withCheckedParams } from "./request-params.ts";
import { createStdioTransport } from "./stdio-transport.ts";

/**
 * The whole of what stands between standard streams and the SDK's `Server`. `idle` resolves when every request received
 * so far was answered or cancelled.
 */
export function createConnection(
  stdin: Readable,
  stdout: Writable,
  facts: ServerFacts,
): { transport: Transport; idle: () => Promise<void> } {
  const stdio = createStdioTransport(stdin, stdout);
  // The era comes first: a method that a revision removed is unknown there, whatever its params look like.
  return { transport: withCheckedParams(withEras(stdio, facts)), idle: stdio.idle };
}
