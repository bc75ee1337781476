import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { failureOf, get, transport } from "./requests.ts";
import { serve } from "./servers.ts";

const MIB = 1024 * 1024;
const JSON_TEXT = '{"detail":"Größe"}';
const VALUE = { detail: "Größe" };

/** Sends the body with these Content-Encoding headers, whatever the request accepts. */
const serveCoded = (codings: string | string[], body: Buffer, status = 200) =>
  serve((_, response) => response.setHeader("content-encoding", codings).writeHead(status).end(body));

test("a request asks for an answer without a content coding", async () => {
  const server = await serve((request, response) => response.end(JSON.stringify(request.headers)));
  expect((await transport()(get(server.url))).json).toMatchObject({ "accept-encoding": "identity" });
});

test.each<[string, string | string[], Buffer]>([
  ["gzip", "gzip", gzipSync(JSON_TEXT)],
  ["x-gzip", "x-gzip", gzipSync(JSON_TEXT)],
  ["deflate", "deflate", deflateSync(JSON_TEXT)],
  ["deflate without its zlib header", "deflate", deflateRawSync(JSON_TEXT)],
  ["br", "br", brotliCompressSync(JSON_TEXT)],
  ["GZIP in capitals", "GZIP", gzipSync(JSON_TEXT)],
  ["identity", "identity", Buffer.from(JSON_TEXT)],
  ["two codings in one header", "gzip, br", brotliCompressSync(gzipSync(JSON_TEXT))],
  ["two codings in two headers", ["deflate", "gzip"], gzipSync(deflateSync(JSON_TEXT))],
  ["four codings", "gzip,,gzip,br , gzip", gzipSync(brotliCompressSync(gzipSync(gzipSync(JSON_TEXT))))],
  ["two members", "gzip", Buffer.concat([gzipSync('{"detail":'), gzipSync('"Größe"}')])],
  ["a header that names a coding the body does not have", "gzip", Buffer.from(JSON_TEXT)],
  ["a header that names one coding twice", "gzip, gzip", gzipSync(JSON_TEXT)],
  ["a header that names a character set", "utf-8", Buffer.from(JSON_TEXT)],
])("JSON that nobody asked to code is read: %s", async (_, codings, body) => {
  for (const status of [200, 404]) {
    const server = await serveCoded(codings, body, status);
    expect(await transport()(get(server.url))).toMatchObject({ status, json: VALUE });
  }
});

test.each<[string, string, Buffer]>([
  ["a coding that Node.js does not know", "exi", gzipSync(JSON_TEXT)],
  ["half a body", "gzip", gzipSync(JSON_TEXT).subarray(0, -10)],
  ["an HTML page", "gzip", gzipSync("<html>")],
  ["an empty body", "gzip", Buffer.alloc(0)],
  ["more codings than any server applies", "gzip,gzip,gzip,gzip,gzip", gzipSync(JSON_TEXT)],
])("a coded body that is no JSON leaves only the status: %s", async (_, codings, body) => {
  const server = await serveCoded(codings, body, 502);
  expect(await transport()(get(server.url))).toMatchObject({ status: 502, json: undefined });
});

test.each<[string, (body: Buffer) => Buffer]>([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
])("eight megabytes are the limit after inflating %s too", async (coding, encode) => {
  const full = Buffer.alloc(8 * MIB, " ");
  full.write(JSON_TEXT);
  const fits = await serveCoded(coding, encode(full));
  expect((await transport()(get(fits.url))).json).toEqual(VALUE);
  const tooLong = await serveCoded(coding, encode(Buffer.concat([full, Buffer.from(" ")])));
  expect((await failureOf(transport()(get(tooLong.url)))).code).toBe("RESPONSE_TOO_LARGE");
});

test.each<[string, (body: Buffer) => Buffer]>([
  ["gzip", gzipSync],
  ["gzip, gzip", (body) => gzipSync(gzipSync(body))],
  ["gzip, br", (body) => brotliCompressSync(gzipSync(body))],
])("a bomb of %s is given up at the limit and takes little memory", async (codings, encode) => {
  // A gigabyte of blanks as gzip members that are all the same.
  const member = gzipSync(Buffer.alloc(64 * MIB, " "));
  const bomb = codings === "gzip" ? Buffer.concat(Array(16).fill(member)) : encode(Buffer.alloc(64 * MIB, " "));
  const server = await serveCoded(codings, bomb);
  const before = process.memoryUsage().rss;
  const failure = await failureOf(transport()(get(server.url)));
  expect(failure.code).toBe("RESPONSE_TOO_LARGE");
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
});
