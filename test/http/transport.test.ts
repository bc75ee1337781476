import { expect, onTestFinished, test } from "vitest";
import { parseJson } from "../../src/http/read-body.ts";
import { failureOf, get, post, transport } from "./requests.ts";
import { answer, serve, serveBytes } from "./servers.ts";

test("a response has its status, lower-case header names and the parsed body", async () => {
  const server = await serve((request, response) => {
    response.writeHead(404, { "X-Error-Code": "CLUSTER_NOT_FOUND", "content-type": "application/json" });
    response.end(JSON.stringify({ agent: request.headers["user-agent"], accept: request.headers.accept }));
  });
  const response = await transport()(get(server.url, { headers: { accept: "application/json" } }));
  expect(response).toMatchObject({
    status: 404,
    headers: { "x-error-code": "CLUSTER_NOT_FOUND" },
    json: { agent: "atlas-flex-snapshots-mcp/0.0.0", accept: "application/json" },
  });
});

test("repeated headers stay separate", async () => {
  const server = await serve((_, response) => {
    response.writeHead(401, [
      ["www-authenticate", 'Basic realm="a"'],
      ["www-authenticate", 'Digest realm="b"'],
    ]);
    response.end();
  });
  const { headers } = await transport()(get(server.url));
  expect(headers["www-authenticate"]).toEqual(['Basic realm="a"', 'Digest realm="b"']);
});

test.each([
  ["an HTML page", "<html>MongoDB Cloud Manager Unavailable</html>", undefined],
  ["an empty body", "", undefined],
  ["half a JSON text", '{"id": "5f', undefined],
  ["a JSON text behind a byte order mark", '\ufeff{"id":1}', { id: 1 }],
  ["a number", "7", 7],
  ["brackets inside strings", `["\\"${"[{".repeat(500)}"]`, [`"${"[{".repeat(500)}`]],
  ["four million nested arrays", "[".repeat(4_000_000), undefined],
  ["a hundred thousand nested objects, complete", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, undefined],
])("%s is parsed, or left undefined if it is not usable JSON", async (_, body, json) => {
  const server = await serve((_, response) => response.end(body));
  expect((await transport()(get(server.url))).json).toEqual(json);
});

test.each([
  ["entries", `{"results":[${"1,".repeat(100_000)}1]}`],
  ["empty objects", `[${"{},".repeat(100_000)}{}]`],
  ["empty lists within lists", `[${"[[]],".repeat(50_000)}[]]`],
  ["members", `{${Array.from({ length: 100_001 }, (_, index) => `"${index}":1`).join(",")}}`],
  ["levels", `${"[".repeat(65)}${"]".repeat(65)}`],
])("JSON with more %s than any answer of Atlas is not parsed", (_, text) => {
  expect(() => JSON.parse(text)).not.toThrow();
  expect(parseJson(text)).toBeUndefined();
});

test("a full page of entries with two hundred values each is parsed", () => {
  const entry = Object.fromEntries(Array.from({ length: 198 }, (_, index) => [`field ${index}`, "a value"]));
  const page = { results: Array.from({ length: 500 }, () => entry), totalCount: 500 };
  expect(parseJson(JSON.stringify(page))).toEqual(page);
});

test("commas, brackets and escaped quotes within a string count as one value", () => {
  const text = '\\",[{'.repeat(200_000);
  expect(parseJson(JSON.stringify({ text }))).toEqual({ text });
});

test("a request that asks for a fresh connection gets its own; the others share kept connections", async () => {
  const ports: (number | undefined)[] = [];
  const server = await serve((request, response) => {
    ports.push(request.socket.remotePort);
    request.resume().on("end", () => response.end("{}"));
  });
  const send = transport();
  for (let count = 0; count < 6; count += 1) await send(get(server.url));
  const shared = new Set(ports.splice(0));
  expect(shared.size).toBeLessThanOrEqual(2);
  for (let count = 0; count < 6; count += 1) await send(post(server.url));
  expect(new Set([...shared, ...ports.splice(0)]).size).toBe(shared.size + 6);
  await send(get(server.url));
  expect(shared).toContain(ports[0]);
});

test("sixty concurrent requests share one signal and sixteen connections, without a warning from Node", async () => {
  const warnings: Error[] = [];
  const record = (warning: Error) => warnings.push(warning);
  process.on("warning", record);
  onTestFinished(() => void process.off("warning", record));
  const server = await serve((_, response) => void setTimeout(() => response.end("{}"), 10));
  const send = transport();
  const signal = AbortSignal.any([new AbortController().signal]);
  const responses = await Promise.all(Array.from({ length: 60 }, () => send(get(server.url, { signal }))));
  await new Promise(setImmediate);
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect(server.connections()).toBe(16);
  expect(warnings).toEqual([]);
});

test("requests aborted while they wait for a connection are not sent and close no connection", async () => {
  let answers = 0;
  const server = await serve((_, response) => {
    answers += 1;
    setTimeout(() => response.end("{}"), 200);
  });
  const send = transport();
  const cancel = new AbortController();
  const running = Array.from({ length: 16 }, () => send(get(server.url)));
  const waiting = Array.from({ length: 50 }, () => send(get(server.url, { signal: cancel.signal })));
  await expect.poll(() => answers).toBe(16);
  cancel.abort("not wanted any more");
  expect((await Promise.allSettled(waiting)).every(({ status }) => status === "rejected")).toBe(true);
  await Promise.all(running);
  await Promise.all(Array.from({ length: 16 }, () => send(get(server.url))));
  expect([answers, server.connections()]).toEqual([32, 16]);
});

test.each([301, 302, 303, 307, 308])("a %i with a location is refused, not followed", async (status) => {
  const paths: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    paths.push(request.url);
    response.writeHead(status, { location: "/elsewhere?token=secret" }).end();
  });
  const failure = await failureOf(transport()(get(server.url)));
  expect(failure.envelope).toMatchObject({ errorCode: "REDIRECT_REFUSED", error: status });
  expect(failure.message).not.toContain("secret");
  expect(paths).toEqual(["/api"]);
});

test("interim responses are skipped until the final response arrives", async () => {
  const server = await serveBytes((socket) => {
    socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${answer('{"id":1}')}`);
  });
  expect(await transport()(get(server.url))).toMatchObject({ status: 200, json: { id: 1 } });
});

test.each([
  ["announces its size", (bytes: number) => ({ "content-length": String(bytes) })],
  ["does not announce its size", () => ({})],
])("an answer over the limit that %s is refused while it is received", async (_, headersFor) => {
  const size = 9 * 1024 * 1024;
  const server = await serve((_, response) => {
    response.writeHead(200, headersFor(size));
    for (let written = 0; written < size; written += 1024 * 1024) response.write(Buffer.alloc(1024 * 1024, 32));
    response.end();
  });
  expect((await failureOf(transport()(get(server.url)))).code).toBe("RESPONSE_TOO_LARGE");
});

test("an endless answer is cut off at the limit", async () => {
  const server = await serve((_, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(256 * 1024, 32)));
    };
    response.on("drain", more);
    more();
  });
  expect((await failureOf(transport()(get(server.url)))).code).toBe("RESPONSE_TOO_LARGE");
});
