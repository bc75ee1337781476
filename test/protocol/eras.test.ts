import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Client, type VersionNegotiationOptions } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { beforeAll, describe, expect, test } from "vitest";
import { createFrontDesk } from "../../src/protocol/front-desk.ts";
import { createStdioTransport } from "../../src/protocol/stdio-transport.ts";
import { buildProgram, runProgram } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("server");
});

const VERSION = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const CLIENT = "io.modelcontextprotocol/clientInfo";
const envelope = { [VERSION]: "2026-07-28", [CAPABILITIES]: {} };
const serverMeta = { "io.modelcontextprotocol/serverInfo": { name: "small", version: "1.0.0" } };
const hints = { ttlMs: 300_000, cacheScope: "private" };

const request = (id: number | string, method: string, params: object = {}, meta: object = envelope) => ({
  jsonrpc: "2.0",
  id,
  method,
  params: { ...params, _meta: meta },
});

describe.each<[mode: string, era: string, version: string, options: VersionNegotiationOptions]>([
  ["legacy", "legacy", "2025-11-25", { mode: "legacy" }],
  ["automatic", "modern", "2026-07-28", { mode: "auto" }],
  ["pinned", "modern", "2026-07-28", { mode: { pin: "2026-07-28" } }],
])("the v2 client in %s mode", (_mode, era, version, versionNegotiation) => {
  test(`works in the ${era} era`, async () => {
    const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [file], stderr: "ignore" }));
    expect(client.getProtocolEra()).toBe(era);
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    expect(client.getServerVersion()).toMatchObject({ name: "small", version: "1.0.0" });
    expect(client.getServerCapabilities()).toEqual({ tools: {}, prompts: {} });
    expect(client.getInstructions()).toBe("Call echo.");
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["echo"]);
    expect((await client.listPrompts()).prompts).toEqual([{ name: "hello" }]);
    expect((await client.getPrompt({ name: "hello" })).messages).toHaveLength(1);
    const progress: number[] = [];
    // Not "echo": the client loses a notification that arrives in the same chunk as the answer.
    const called = await client.callTool(
      { name: "later", arguments: { a: 1 } },
      { onprogress: (update) => progress.push(update.progress) },
    );
    expect(called.content).toEqual([{ type: "text", text: '{"a":1}' }]);
    expect(progress).toEqual([1]);
    await client.close();
  });

  test("cancels a call by aborting it", async () => {
    const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation });
    const transport = new StdioClientTransport({ command: process.execPath, args: [file], stderr: "pipe" });
    const told = new Promise<void>((resolve) => {
      transport.stderr?.on("data", (chunk) => String(chunk).includes('{"cancelled":"it"}') && resolve());
    });
    await client.connect(transport);
    const calling = client.callTool({ name: "wait", arguments: { mark: "it" } }, { signal: AbortSignal.timeout(300) });
    await expect(calling).rejects.toThrow();
    await told;
    await client.close();
  });
});

test("server/discover tells the same as initialize", async () => {
  const { send, answer } = runProgram(file);
  send(request(0, "server/discover"));
  expect(await answer(0)).toEqual({
    jsonrpc: "2.0",
    id: 0,
    result: {
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: {}, prompts: {} },
      instructions: "Call echo.",
      resultType: "complete",
      ...hints,
      _meta: serverMeta,
    },
  });
});

test("every result is marked as complete and names the server; only lists may be cached", async () => {
  const { send, answer } = runProgram(file);
  send(request(1, "tools/list"), request(2, "prompts/list"), request(3, "prompts/get", { name: "hello" }));
  send(request(4, "tools/call", { name: "echo" }));
  const modern = { resultType: "complete", _meta: serverMeta };
  for (const id of [1, 2]) expect(await answer(id)).toMatchObject({ result: { ...modern, ...hints } });
  for (const id of [3, 4]) {
    const { result } = await answer(id);
    expect(result).toMatchObject(modern);
    expect(result).not.toHaveProperty("ttlMs");
  }
});

describe("a request of the stateless revision", () => {
  test.each(["2025-11-25", "2027-01-01", "1.0", ""])(
    "for version %j is told which version is supported",
    async (requested) => {
      const { send, answer } = runProgram(file);
      const meta = { ...envelope, [VERSION]: requested };
      send(request(1, "tools/list", {}, meta), request(2, "server/discover", {}, meta));
      const error = { code: -32022, data: { supported: ["2026-07-28"], requested } };
      expect(await answer(1)).toMatchObject({ error });
      expect(await answer(2)).toMatchObject({ error });
    },
  );

  test.each<[what: string, meta: object, names: string]>([
    ["a version that is not a string", { ...envelope, [VERSION]: 1 }, VERSION],
    ["no capabilities", { [VERSION]: "2026-07-28" }, CAPABILITIES],
    ["capabilities that are not an object", { ...envelope, [CAPABILITIES]: [] }, CAPABILITIES],
    ["a client without version", { ...envelope, [CLIENT]: { name: "x" } }, CLIENT],
  ])("with %s is refused, and the field is named", async (_what, meta, names) => {
    const { send, answer } = runProgram(file);
    send(request(1, "tools/call", { name: "echo" }, meta));
    expect(await answer(1)).toMatchObject({ error: { code: -32602, message: expect.stringContaining(names) } });
  });

  test("for server/discover without the envelope is refused", async () => {
    const { send, answer } = runProgram(file);
    send({ jsonrpc: "2.0", id: 1, method: "server/discover" }, request(2, "server/discover", {}, {}));
    for (const id of [1, 2]) expect(await answer(id)).toMatchObject({ error: { code: -32602 } });
  });

  test("for a removed or absent method is refused as unknown, whatever its params", async () => {
    const { send, answer } = runProgram(file);
    const removed = ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
    const absent = ["tasks/get", "tasks/list", "subscriptions/listen", "resources/read", "toString"];
    const methods = [...removed, ...absent];
    send(...methods.map((method, id) => request(id, method)));
    for (const id of methods.keys()) expect(await answer(id)).toMatchObject({ error: { code: -32601 } });
  });

  test("has its params checked like any other", async () => {
    const { send, answer } = runProgram(file);
    send(request(1, "tools/call", { name: "echo", arguments: "x" }));
    expect(await answer(1)).toMatchObject({ error: { code: -32602 } });
  });

  test("gets no answer after its cancellation, and its id is free again", async () => {
    const { send, answer, saw, messages } = runProgram(file);
    send(request(0, "tools/call", { name: "wait", arguments: { mark: "it" } }));
    send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 0 } });
    await saw("stderr", '{"cancelled":"it"}');
    send({ jsonrpc: "2.0", id: 0, method: "ping" });
    expect(await answer(0)).toEqual({ jsonrpc: "2.0", id: 0, result: {} });
    expect(messages()).toHaveLength(1);
  });

  test("and a request of an older revision are told apart in one connection", async () => {
    const { send, answer } = runProgram(file);
    send(
      request(1, "tools/list"),
      { jsonrpc: "2.0", id: 2, method: "tools/list" },
      request(3, "tools/list", {}, { a: 1 }),
    );
    expect(await answer(1)).toMatchObject({ result: { resultType: "complete" } });
    for (const id of [2, 3]) {
      const { result } = await answer(id);
      expect(Object.keys(result ?? {})).toEqual(["tools"]);
    }
  });
});

test("a client of an older revision receives the same bytes as without the stateless revision", async () => {
  const serverInfo = { name: "small", version: "1.0.0" };
  const capabilities = { tools: {} };
  const conversation = [
    {
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2026-07-28", capabilities: {}, clientInfo: serverInfo },
    },
    { method: "notifications/initialized" },
    { id: 1, method: "ping", params: { _meta: { progressToken: 0 } } },
    { id: 2, method: "tools/list" },
    { id: "x", method: "unknown", params: {} },
  ];
  const bytes = async (isDesk: boolean) => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const server = new Server(serverInfo, { capabilities });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
    const transport = createStdioTransport(stdin, stdout);
    const desk = createFrontDesk(transport, {
      facts: { serverInfo, capabilities: () => capabilities },
      answers: { "tools/list": () => ({ result: { tools: [] } }) },
      connect: (behind) => server.connect(behind),
      report: () => undefined,
      onClose: () => undefined,
    });
    if (isDesk) await desk.start();
    else await server.connect(transport);
    for (const message of conversation) stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    await new Promise((resolve) => setImmediate(resolve));
    await transport.idle();
    stdout.end();
    return text(stdout);
  };
  const expected = await bytes(false);
  expect(expected.split("\n")).toHaveLength(5);
  expect(await bytes(true)).toBe(expected);
});

const initialize = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } };
const wrong: [method: string, params: unknown, message: string][] = [
  ["tools/call", undefined, "params.name must be a string"],
  ["tools/call", { name: 1 }, "params.name must be a string"],
  ["tools/call", { name: "echo", arguments: null }, "params.arguments must be an object"],
  ["tools/call", { name: "echo", arguments: "secret" }, "params.arguments must be an object"],
  ["tools/call", { name: "echo", arguments: [] }, "params.arguments must be an object"],
  ["tools/call", [], "params must be an object"],
  ["tools/call", "echo", "params must be an object"],
  ["ping", null, "params must be an object"],
  ["ping", { _meta: 1 }, "params._meta must be an object"],
  ["tools/list", { cursor: 1 }, "params.cursor is missing or has the wrong type"],
  ["prompts/list", { cursor: {} }, "params.cursor is missing or has the wrong type"],
  ["resources/list", { cursor: null }, "params.cursor is missing or has the wrong type"],
  ["prompts/get", {}, "params.name is missing or has the wrong type"],
  ["prompts/get", { name: "hello", arguments: { a: 1 } }, "params.arguments.a is missing or has the wrong type"],
  ["initialize", undefined, "params is missing or has the wrong type"],
  ["initialize", { ...initialize, protocolVersion: 1 }, "params.protocolVersion is missing or has the wrong type"],
  ["initialize", { ...initialize, clientInfo: {} }, "params.clientInfo.name is missing or has the wrong type"],
  ["initialize", { ...initialize, capabilities: [] }, "params.capabilities is missing or has the wrong type"],
  [
    "initialize",
    { ...initialize, capabilities: { roots: true } },
    "params.capabilities.roots is missing or has the wrong type",
  ],
];

test("params of a wrong type are answered with -32602 and one sentence", async () => {
  const { send, answer } = runProgram(file);
  send(...wrong.map(([method, params], id) => ({ jsonrpc: "2.0", id, method, params })));
  for (const [id, [method, , message]] of wrong.entries()) {
    const { error } = await answer(id);
    expect({ method, error }).toEqual({ method, error: { code: -32602, message: `Invalid params: ${message}` } });
  }
});

test("a call that asks for a task is processed as if it did not ask", async () => {
  const { send, answer } = runProgram(file);
  send({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "echo", arguments: { a: 1 }, task: { ttl: 5 } },
  });
  expect(await answer(1)).toMatchObject({ result: { content: [{ text: '{"a":1}' }] } });
});

test("a call may leave out its arguments", async () => {
  const { send, answer } = runProgram(file);
  send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo" } });
  expect(await answer(1)).toMatchObject({ result: { content: [{ text: "{}" }] } });
});

test("an unknown method is answered with -32601 whatever its params", async () => {
  const { send, answer } = runProgram(file);
  send({ jsonrpc: "2.0", id: 1, method: "toString", params: { cursor: 1 } });
  expect(await answer(1)).toMatchObject({ error: { code: -32601 } });
});

test("a key __proto__ in arguments changes no prototype", async () => {
  const { send, answer } = runProgram(file);
  const evil = '{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}';
  send(
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"name":"x"},"name":"echo","arguments":${evil}}}`,
  );
  send({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "polluted" } });
  expect(await answer(1)).toMatchObject({ result: { content: [{ text: '{"a":{"__proto__":{"polluted":1}}}' }] } });
  expect(await answer(2)).toMatchObject({ result: { content: [{ text: "undefined" }] } });
});

test("arguments nested 150,000 deep do not end the process", async () => {
  const { send, answer } = runProgram(file);
  const deep = `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`;
  send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":${deep}}}`);
  await answer(1);
  send({ jsonrpc: "2.0", id: 2, method: "ping" });
  expect(await answer(2)).toMatchObject({ result: {} });
});
