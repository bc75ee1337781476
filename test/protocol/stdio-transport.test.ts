import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { beforeAll, describe, expect, test } from "vitest";
import { buildProgram, runProgram } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("server");
});
const start = () => runProgram(file, "bare");

const ping = (id: string | number) => ({ jsonrpc: "2.0", id, method: "ping" });
const call = (id: string | number, name: string, args: object = {}, meta?: object) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args, ...(meta && { _meta: meta }) },
});
const cancel = (requestId: string | number) => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId },
});
const text = (value: string) => ({ content: [{ type: "text", text: value }] });

test("garbage is answered, and so are the lines after it", async () => {
  const { send, answer, messages } = start();
  send(
    "garbage",
    "",
    "[]",
    '{"jsonrpc":"2.0","id":5}',
    "\ufeff",
    `${JSON.stringify(ping(1))}\r`,
    '{"id":',
    ping("end"),
  );
  await answer("end");
  expect(messages().map(({ id, result, error }) => [id, error?.code ?? result])).toEqual([
    [null, -32700],
    [null, -32600],
    [5, -32600],
    [null, -32700],
    [1, {}],
    ["end", {}],
  ]);
});

test.each([1_048_577, 9_000_000])("a line of %i bytes is refused once, and the next line is served", async (bytes) => {
  const { send, answer, messages } = start();
  const rest = JSON.stringify(call(1, "echo", { filler: "" })).length;
  send(call(1, "echo", { filler: "x".repeat(bytes - rest) }), call(2, "echo", { a: 1 }));
  expect(await answer(2)).toMatchObject({ result: text('{"a":1}') });
  expect(messages().map(({ id, error }) => [id, error?.code])).toEqual([
    [null, -32600],
    [2, undefined],
  ]);
});

test("a call before initialize is served", async () => {
  const { send, answer } = start();
  send(call("first", "echo", { a: 1 }));
  expect(await answer("first")).toMatchObject({ result: text('{"a":1}') });
});

test("a second initialize is answered with the version it asks for", async () => {
  const { send, answer } = start();
  const initialize = (id: number, protocolVersion: string) => ({
    jsonrpc: "2.0",
    id,
    method: "initialize",
    params: { protocolVersion, capabilities: {}, clientInfo: { name: "x", version: "1" } },
  });
  send(initialize(1, "2025-11-25"), initialize(2, "2024-11-05"), initialize(3, "1.0"));
  expect(await answer(1)).toMatchObject({ result: { protocolVersion: "2025-11-25" } });
  expect(await answer(2)).toMatchObject({ result: { protocolVersion: "2024-11-05" } });
  expect(await answer(3)).toMatchObject({ result: { protocolVersion: "2025-11-25" } });
});

test("1,000 calls at once are all answered, without a warning about listeners", async () => {
  const { send, answer, messages, output } = start();
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  send(...numbers.map((n) => call(n, n % 2 ? "later" : "echo", { n, filler: "x".repeat(2_000) })));
  await Promise.all(numbers.map(answer));
  expect(
    messages()
      .map(({ id }) => Number(id))
      .sort((a, b) => a - b),
  ).toEqual(numbers);
  expect(messages().every(({ id, result }) => JSON.stringify(result).includes(`{\\"n\\":${id},`))).toBe(true);
  expect(output.stderr).toBe("");
});

test("1,000 answers wait for a client that reads late, and none is lost", async () => {
  const { send, answer, child, messages } = start();
  child.stdout.pause();
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  send(...numbers.map((n) => call(n, "echo", { filler: "x".repeat(2_000) })));
  setTimeout(() => child.stdout.resume(), 500);
  await Promise.all(numbers.map(answer));
  expect(messages()).toHaveLength(1_000);
});

describe("a cancellation", () => {
  test.each([0, -1, 1, "", "0", "a"])("of the call with id %j aborts that call, which gets no answer", async (id) => {
    const { send, answer, saw, messages } = start();
    send(call(id, "wait", { mark: "it" }), call("other", "wait", { mark: "other" }));
    await saw("stderr", '{"waiting":"other"}');
    send(cancel(id));
    await saw("stderr", '{"cancelled":"it"}');
    send(ping("end"));
    await answer("end");
    expect(messages().map((message) => message.id)).toEqual(["end"]);
  });

  test("in the same chunk as its call aborts the call", async () => {
    const { send, answer, saw, messages } = start();
    send(call(0, "wait", { mark: "it" }), cancel(0), ping("end"));
    await saw("stderr", '{"cancelled":"it"}');
    await answer("end");
    expect(messages()).toHaveLength(1);
  });

  test("of an unknown, answered or malformed id is ignored", async () => {
    const { send, answer, messages, output } = start();
    send(ping(1));
    await answer(1);
    send(cancel(1), cancel(99), cancel("1"), '{"jsonrpc":"2.0","method":"notifications/cancelled"}', ping("end"));
    await answer("end");
    expect(messages()).toHaveLength(2);
    expect(output.stderr).not.toContain("fault");
  });

  test("frees its id for the next request", async () => {
    const { send, answer } = start();
    send(call(3, "wait", { mark: "it" }), cancel(3), call(3, "echo", { again: 1 }));
    expect(await answer(3)).toMatchObject({ result: text('{"again":1}') });
  });
});

test("a second request under an id in flight is refused; the first keeps its answer and its cancellation", async () => {
  const { send, answer, saw, messages } = start();
  send(call(5, "later", { first: 1 }), call(5, "echo"), call(6, "wait", { mark: "it" }), call(6, "echo"), ping("end"));
  await answer("end");
  send(cancel(6));
  await saw("stderr", '{"cancelled":"it"}');
  await saw("stdout", "first");
  expect(messages()).toMatchObject([
    { id: 5, error: { code: -32600 } },
    { id: 6, error: { code: -32600 } },
    { id: "end" },
    { id: 5, result: text('{"first":1}') },
  ]);
});

test("a request beyond 4,000 open ones is refused at once, until a cancellation makes room", async () => {
  const { send, answer, saw } = start();
  send(...Array.from({ length: 4_000 }, (_, id) => call(id, "wait", { mark: String(id) })));
  await saw("stderr", '{"waiting":"3999"}');
  send(ping("one too many"));
  expect(await answer("one too many")).toEqual({
    jsonrpc: "2.0",
    id: "one too many",
    error: { code: -32000, message: "Too many requests are open; wait for their answers" },
  });
  send(cancel(7));
  await saw("stderr", '{"cancelled":"7"}');
  send(ping("there is room"));
  expect(await answer("there is room")).toMatchObject({ result: {} });
});

test.each([0, "", 7])("progress carries the token %j unchanged", async (progressToken) => {
  const { send, answer, messages } = start();
  send(call(1, "echo", {}, { progressToken }));
  await answer(1);
  expect(messages()[0]).toMatchObject({ method: "notifications/progress", params: { progressToken, progress: 1 } });
});

test("progress that a tool sends after its answer is dropped", async () => {
  const { send, answer, messages } = start();
  send(call(1, "chatty", {}, { progressToken: "t" }));
  await answer(1);
  send(call(2, "later"));
  await answer(2);
  expect(messages().map(({ id, method }) => method ?? id)).toEqual(["notifications/progress", 1, 2]);
});

test("an answer of 3 MB arrives whole", async () => {
  const { send, answer } = start();
  send(call(1, "long", { characters: 1_500_000 }));
  expect(await answer(1)).toMatchObject({ result: text("ü".repeat(1_500_000)) });
});

test("an answer that JSON cannot express becomes an internal error", async () => {
  const { send, answer } = start();
  send(call(1, "inexpressible"));
  expect(await answer(1)).toMatchObject({ error: { code: -32603 } });
});

test("Unicode line separators are escaped, because some clients split lines at them", async () => {
  const { send, answer, output } = start();
  send(call(1, "echo", { a: "x\u2028y\u2029z\u0085" }));
  expect(await answer(1)).toMatchObject({ result: text('{"a":"x\u2028y\u2029z\u0085"}') });
  expect(output.stdout).not.toMatch(/[\u0085\u2028\u2029]/);
});

test("an unsolicited response, nested 150,000 deep, does not end the process", async () => {
  const { send, answer } = start();
  const deep = `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`;
  send(`{"jsonrpc":"2.0","id":9,"result":${deep}}`, `{"jsonrpc":"2.0","method":"x","params":${deep}}`, ping(1));
  expect(await answer(1)).toMatchObject({ result: {} });
});

describe("the process", () => {
  test("answers a piped script that does not wait, even without the last newline, and ends", async () => {
    const { child, send, ended, messages } = start();
    send(call(1, "later", { a: 1 }));
    child.stdin.end(JSON.stringify(ping(2)));
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(
      messages()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2]);
  });

  test("aborts calls that outlast the grace period after the end of its input, and ends", async () => {
    const { child, send, ended, saw, output } = start();
    send(call(1, "wait", { mark: "it" }));
    await saw("stderr", '{"waiting":"it"}');
    child.stdin.end();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(output.stderr).toContain('{"cancelled":"it"}');
    expect(output.stdout).toBe("");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("aborts calls on %s, and ends", { tags: "signals" }, async (signal) => {
    const { child, send, ended, saw, output } = start();
    send(call(1, "wait", { mark: "it" }));
    await saw("stderr", '{"waiting":"it"}');
    child.kill(signal);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(output.stderr).toContain('{"cancelled":"it"}');
  });

  test("ends when its client closes standard output in the middle of a call", async () => {
    const { child, send, ended, saw, output } = start();
    send(call(1, "wait", { mark: "it" }));
    await saw("stderr", '{"waiting":"it"}');
    child.stdout.destroy();
    send(ping(2), ping(3), ping(4));
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(output.stderr).toContain('{"cancelled":"it"}');
    expect(output.stderr).toContain('{"reason":"output-closed"}');
  });

  test("ends without a signal when the v1 client closes", async () => {
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [file], stderr: "ignore" }));
    expect(await client.callTool({ name: "echo", arguments: { a: 1 } })).toEqual(text('{"a":1}'));
    await client.close();
  });
});
