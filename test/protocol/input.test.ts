import { PassThrough, Writable } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createLineReader } from "../../src/protocol/input.ts";
import { createStdioTransport } from "../../src/protocol/stdio-transport.ts";

const line = (message: object) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const turns = async () => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
};
const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000 });

/** A transport that answers every request except `wait` at once. Its client reads nothing until `read` is called. */
async function openTransport() {
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
    if ("id" in message && message.id !== undefined && !("method" in message && message.method === "wait"))
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

/** Two hundred chunks of fifty requests each. */
const FLOOD = Array.from({ length: 200 }, (_, piece) =>
  Array.from({ length: 50 }, (_, index) => line({ id: piece * 50 + index, method: "ping" })).join(""),
);

test("requests wait while nobody reads the answers, and all are answered afterwards", async () => {
  const { stdin, seen, written, read, stdout } = await openTransport();
  for (const piece of FLOOD) stdin.write(piece);
  await turns();
  expect(seen.length).toBeLessThanOrEqual(100);
  expect(stdout.writableLength).toBeLessThan(200_000);
  read();
  await until(() => written.length === 10_000);
  expect(written.map((text) => JSON.parse(text).id)).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
});

test("a cancellation behind queued requests is delivered when the answers are read", async () => {
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

test("the end of the input is noticed while requests are queued, and its last line follows when the answers are read", async () => {
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

describe("lines", () => {
  /** The lines that the reader finds in the chunks; null stands for a line above the limit. */
  function split(chunks: Buffer[], limitBytes = 1_000_000) {
    const stdin = new PassThrough();
    const found: (string | null)[] = [];
    const reader = createLineReader(stdin, {
      isOutputFull: () => false,
      limitBytes,
      onLine: (line) => found.push(line.toString("latin1")),
      onOverlong: () => found.push(null),
    });
    reader.start();
    for (const chunk of chunks) stdin.emit("data", chunk);
    stdin.emit("end");
    return found;
  }

  const chunked = fc
    .array(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte < 40 ? 10 : byte)))))
    .map((chunks) => ({ chunks, text: Buffer.concat(chunks).toString("latin1") }));

  test("do not depend on how the bytes are cut into chunks", () => {
    fc.assert(
      fc.property(chunked, ({ chunks, text }) => {
        expect(split(chunks)).toEqual(text.split("\n"));
      }),
    );
  });

  test("are dropped and announced once each when they exceed the limit, and only then", () => {
    fc.assert(
      fc.property(chunked, ({ chunks, text }) => {
        expect(split(chunks, 5)).toEqual(text.split("\n").map((line) => (line.length > 5 ? null : line)));
      }),
    );
  });

  test("come out whole when they arrive byte by byte and outgrow the buffer", () => {
    const line = "0123456789".repeat(20_000);
    const bytes = Array.from(Buffer.from(line), (byte) => Buffer.of(byte));
    expect(split([...bytes, Buffer.from("\nnext")])).toEqual([line, "next"]);
  });
});
