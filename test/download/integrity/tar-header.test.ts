import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePax, parseTarHeader } from "../../../src/download/integrity/tar-header.ts";
import { tarHeader } from "./archives.ts";

/** A header in POSIX form, whose name goes on in the prefix field. */
function posixHeader(): Buffer {
  const block = tarHeader({ name: "file", size: 10, type: "0" });
  block.write("ustar\x0000", 257, "latin1");
  block.write("some/folder", 345);
  return withChecksum(block);
}

function withChecksum(block: Buffer): Buffer {
  const sum = block.fill(" ", 148, 156).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

test("the prefix of a POSIX header is part of the name", () => {
  expect(parseTarHeader(posixHeader())).toEqual({ name: "some/folder/file", size: 10, kind: "file" });
});

test("what GNU keeps in the place of the prefix is not", () => {
  const block = tarHeader({ name: "file", size: 10, type: "0" });
  block.write("14000000000", 345);
  expect(parseTarHeader(withChecksum(block))).toMatchObject({ name: "file" });
});

test.each([
  ["0", "file"],
  ["\0", "file"],
  ["7", "file"],
  ["2", "bare"],
  ["5", "bare"],
  ["g", "aside"],
  ["V", "other"],
  ["?", "other"],
])("type %j is %s", (type, kind) => {
  expect(parseTarHeader(tarHeader({ name: "a", size: 0, type }))).toMatchObject({ kind });
});

test.each([
  ["no octal number", "00000000009\0"],
  ["a negative one", "-0000000001\0"],
  ["a negative one in base 256", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"],
  ["one beyond 2^53", "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"],
])("a size that is %s makes no header", (_, size) => {
  const block = tarHeader({ name: "a", size: 0, type: "0" });
  block.write(size, 124, "latin1");
  expect(parseTarHeader(withChecksum(block))).toBeUndefined();
});

test.each([
  ["two records", "10 path=a\n12 size=100\n", { path: "a", size: 100 }],
  ["a name with an equals sign", "12 path=a=b\n", { path: "a=b" }],
  ["other keys", "19 mtime=123.45678\n10 path=a\n", { path: "a" }],
  ["the later of two", "10 path=a\n10 path=b\n", { path: "b" }],
  ["no size that is none", "11 size=-1\n12 size=1.5\n", {}],
  ["nothing after a length of zero", "0 path=a\n10 path=b\n", {}],
  ["nothing after a negative length", "-5 path=a\n10 path=b\n", {}],
  ["nothing after a length within its own digits", "2 path=a\n10 path=b\n", {}],
  ["nothing after a length beyond the end", "99 path=a\n", {}],
  ["nothing after no length", "path=a\n", {}],
  ["nothing of nothing", "", {}],
])("a PAX header gives %s", (_, body, found) => {
  expect(parsePax(Buffer.from(body))).toEqual(found);
});

test("any block and any PAX header is read without an error", () => {
  const digits = fc.constantFrom(..."0123456789 =-pathsize\n\0").map((char) => char.charCodeAt(0));
  fc.assert(
    fc.property(fc.array(fc.oneof(digits, fc.nat(255)), { minLength: 512, maxLength: 700 }), (bytes) => {
      parsePax(Buffer.from(bytes));
      parseTarHeader(withChecksum(Buffer.from(bytes.slice(0, 512))));
    }),
  );
});
