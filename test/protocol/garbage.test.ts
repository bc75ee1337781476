import { PassThrough } from "node:stream";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { createStdioTransport } from "../../src/protocol/stdio-transport.ts";
import { buildProgram, runProgram } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("server");
});

const valid = JSON.stringify({ jsonrpc: "2.0", id: "probe", method: "ping" });
const damaged = fc
  .tuple(fc.nat(valid.length), fc.uint8Array({ maxLength: 4 }))
  .map(([at, bytes]) => Buffer.concat([Buffer.from(valid.slice(0, at)), bytes, Buffer.from(valid.slice(at + 1))]));
const line = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((json) => Buffer.from(json)),
  damaged,
);
/** Any bytes, cut anywhere. */
const garbage = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 6 }))
  .map(([lines, cuts]) => cutAt(Buffer.from(lines.map((text) => text.toString("latin1")).join("\n"), "latin1"), cuts));

function cutAt(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

async function startInProcess() {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const lines: unknown[] = [];
  stdout.on("data", (chunk: Buffer) => {
    for (const text of chunk.toString().split("\n")) if (text) lines.push(JSON.parse(text));
  });
  const server = new Server({ name: "small", version: "1" }, { capabilities: {} });
  let isClosed = false;
  server.onclose = () => {
    isClosed = true;
  };
  await server.connect(createStdioTransport(stdin, stdout, { lineLimitBytes: 200 }));
  return { stdin, lines, isClosed: () => isClosed };
}

test("any bytes, cut anywhere, leave the server running, and its answers are JSON-RPC", async () => {
  await fc.assert(
    fc.asyncProperty(garbage, async (chunks) => {
      const { stdin, lines, isClosed } = await startInProcess();
      for (const chunk of chunks) stdin.write(chunk);
      stdin.write(`\n{"jsonrpc":"2.0","id":"last","method":"ping"}\n`);
      while (!lines.some((message) => JSON.stringify(message).includes('"id":"last"'))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(isClosed()).toBe(false);
      for (const message of lines) expect(message).toMatchObject({ jsonrpc: "2.0", id: expect.toSatisfy(isId) });
    }),
    { numRuns: 500 },
  );
});

const isId = (id: unknown) => id === null || typeof id === "string" || Number.isInteger(id);

test("a process that received a thousand pieces of garbage still answers, and writes only JSON-RPC", async () => {
  const { child, answer, messages, ended } = runProgram(file);
  for (const chunks of fc.sample(garbage, 1_000)) child.stdin.write(Buffer.concat(chunks));
  child.stdin.write(`\n{"jsonrpc":"2.0","id":"last","method":"ping"}\n`);
  expect(await answer("last")).toEqual({ jsonrpc: "2.0", id: "last", result: {} });
  expect(messages().length).toBeGreaterThan(100);
  child.stdin.end();
  expect(await ended).toEqual({ code: 0, signal: null });
});
