import { PassThrough, Writable } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { expect, test, vi } from "vitest";
import { createStdioTransport } from "../../src/protocol/stdio-transport.ts";

const line = (message: object) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const turns = async () => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
};
const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000 });

/** A transport whose requests are answered at once, or stay open, before a client that reads only when it is told to. */
async function openTransport({ answers = true }: { answers?: boolean } = {}) {
  const stdin = new PassThrough();
  let isRead = false;
  let writeOn = () => {};
  const written: string[] = [];
  const stdout = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      writeOn = done;
      if (isRead) done();
    },
  });
  const transport = createStdioTransport(stdin, stdout);
  const seen: JSONRPCMessage[] = [];
  transport.onmessage = (message) => {
    seen.push(message);
    if (answers && "id" in message && message.id !== undefined && !("method" in message && message.method === "wait"))
      void transport.send({ jsonrpc: "2.0", id: message.id, result: { filler: "x".repeat(1_000) } });
  };
  await transport.start();
  return {
    ...{ stdin, stdout, transport, seen, written },
    read() {
      isRead = true;
      writeOn();
    },
  };
}

/** Fifty requests in each of two hundred pieces. */
const FLOOD = Array.from({ length: 200 }, (_, piece) =>
  Array.from({ length: 50 }, (_, index) => line({ id: piece * 50 + index, method: "ping" })).join(""),
);

test("while nobody reads the answers no more requests are taken, and none is lost", async () => {
  const { stdin, seen, written, read, stdout } = await openTransport();
  for (const piece of FLOOD) stdin.write(piece);
  await turns();
  expect(seen.length).toBeLessThanOrEqual(100);
  expect(stdout.writableLength).toBeLessThan(200_000);
  read();
  await until(() => written.length === 10_000);
  expect(written.map((text) => JSON.parse(text).id)).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
});

test("a cancellation behind them arrives when the answers are read", async () => {
  const { stdin, seen, read } = await openTransport();
  stdin.write(line({ id: "long", method: "wait" }));
  for (const piece of FLOOD) stdin.write(piece);
  stdin.write(line({ method: "notifications/cancelled", params: { requestId: "long" } }));
  await turns();
  expect(seen.some((message) => !("id" in message))).toBe(false);
  read();
  await until(() => seen.length === 10_002);
  expect(seen.at(-1)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 1 } });
});

test("the end of the input is noticed all the same, and its last line follows when the answers are read", async () => {
  const { stdin, seen, read, transport } = await openTransport();
  const ended = vi.fn();
  stdin.on("end", ended);
  for (const piece of FLOOD) stdin.write(piece);
  stdin.end(line({ id: "last", method: "ping" }).trimEnd());
  const idle = transport.idle();
  await turns();
  expect(ended).toHaveBeenCalledOnce();
  expect(seen.length).toBeLessThanOrEqual(100);
  read();
  await idle;
  expect(seen).toHaveLength(10_001);
});
