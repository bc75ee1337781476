import fc from "fast-check";
import { expect, test } from "vitest";
import { createLineSplitter } from "../../src/protocol/input.ts";

function split(chunks: Buffer[], limitBytes = 1_000_000) {
  const found: (string | null)[] = [];
  const splitter = createLineSplitter({
    limitBytes,
    onLine: (line) => found.push(line.toString("latin1")),
    onOverlong: () => found.push(null),
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return found;
}

const chunked = fc
  .array(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.map((byte) => (byte < 40 ? 10 : byte)))))
  .map((chunks) => ({ chunks, text: Buffer.concat(chunks).toString("latin1") }));

test("lines do not depend on how the bytes are cut into chunks", () => {
  fc.assert(
    fc.property(chunked, ({ chunks, text }) => {
      expect(split(chunks)).toEqual(text.split("\n"));
    }),
  );
});

test("only the lines above the limit are dropped, each announced once", () => {
  fc.assert(
    fc.property(chunked, ({ chunks, text }) => {
      expect(split(chunks, 5)).toEqual(text.split("\n").map((line) => (line.length > 5 ? null : line)));
    }),
  );
});

test("a line that arrives byte by byte and outgrows the kept memory comes out whole", () => {
  const line = "0123456789".repeat(20_000);
  expect(split([...Array.from(Buffer.from(line), (byte) => Buffer.of(byte)), Buffer.from("\nnext")])).toEqual([
    line,
    "next",
  ]);
});
