import { cp, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { beforeAll, describe, expect, test } from "vitest";
import { NEGOTIABLE } from "../../src/protocol/eras.ts";
import { createFrontDesk } from "../../src/protocol/front-desk.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { BUILT, CLUSTER, SERVICE_ACCOUNT, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { FOREIGN } from "../packaging/foreign.ts";
import { buildProgram, runProgram, runWith } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("server");
});

const facts = {
  serverInfo: { name: "small", title: "Small", version: "1.0.0" },
  capabilities: () => ({ tools: {}, prompts: {} }),
  instructions: "Call echo.",
};

const initialize = (protocolVersion = "2025-11-25", more: object = {}): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion,
    capabilities: { roots: { listChanged: true }, elicitation: {} },
    clientInfo: { name: "client", version: "1.0.0" },
    ...more,
  },
});

const VERSION = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const stateless = (capabilities: object = {}) => ({ [VERSION]: "2026-07-28", [CAPABILITIES]: capabilities });

const request = (id: number | string, method: string, params: object = {}): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  method,
  params: { ...params },
});
const call = (id: number | string, name: string, args: object = {}, meta?: object): JSONRPCMessage =>
  request(id, "tools/call", { name, arguments: args, ...(meta && { _meta: meta }) });
const cancel = (requestId: number | string): JSONRPCMessage => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId },
});

/** A client of a desk whose server is there when `connect` is called, with everything that each of them receives. */
async function deskInMemory({ fails }: { fails?: (message: JSONRPCMessage) => boolean } = {}) {
  const [client, far] = InMemoryTransport.createLinkedPair();
  const received: JSONRPCMessage[] = [];
  const served: unknown[] = [];
  let connect = () => {};
  const connecting = new Promise<void>((resolve) => {
    connect = resolve;
  });
  client.onmessage = (message) => received.push(message);
  const desk = createFrontDesk(far, {
    facts,
    answers: {},
    async connect(behind) {
      behind.onmessage = (message) => {
        if (fails?.(message)) throw new RangeError("Too deep");
        served.push(Reflect.get(message, "id"));
      };
      behind.onerror = ({ message }) => served.push(message);
      await connecting;
      await behind.start();
    },
    report: (_, error) => served.push(error),
    onClose: () => served.push("closed"),
  });
  await desk.start();
  return { client, received, served, connect };
}

test("the negotiated versions are those of the SDK, latest first", () => {
  expect(NEGOTIABLE).toEqual(SUPPORTED_PROTOCOL_VERSIONS);
});

test.each([...SUPPORTED_PROTOCOL_VERSIONS, "2026-07-28", "2019-01-01", ""])(
  "a client that asks for version %j gets the answer that the SDK would give",
  async (version) => {
    const { serverInfo, capabilities, instructions } = facts;
    const [client, far] = InMemoryTransport.createLinkedPair();
    const received: JSONRPCMessage[] = [];
    client.onmessage = (message) => received.push(message);
    const transport: Transport = far;
    await new Server(serverInfo, { capabilities: capabilities(), instructions }).connect(transport);
    await client.send(initialize(version));
    await expect.poll(() => received).toHaveLength(1);
    const desk = await deskInMemory();
    await desk.client.send(initialize(version));
    expect(desk.received).toEqual(received);
    expect(desk.served).toEqual([]);
  },
);

test("calls that arrive before the server is connected reach it in order, and so does a close", async () => {
  const { client, served, connect } = await deskInMemory();
  for (const id of [1, 2]) await client.send(call(id, "echo"));
  expect(served).toEqual([]);
  connect();
  await expect.poll(() => served).toEqual([1, 2]);
  await client.send(call(3, "echo"));
  await client.close();
  expect(served).toEqual([1, 2, 3, "closed"]);
});

test("a queued call that the SDK cannot handle does not hold up the others", async () => {
  const { client, served, connect } = await deskInMemory({ fails: (message) => "id" in message && message.id === 1 });
  for (const id of [1, 2]) await client.send(call(id, "echo"));
  connect();
  await expect.poll(() => served).toEqual([expect.any(RangeError), 2]);
});

test("calls that still wait when the connection closes are never run", async () => {
  const { client, served, connect } = await deskInMemory();
  await client.send(call(1, "echo"));
  await client.close();
  connect();
  await new Promise((resolve) => setImmediate(resolve));
  expect(served).toEqual(["closed"]);
});

test("a server that cannot be loaded fails the calls that wait, and the next call tries again", async () => {
  const { send, answer, saw } = runProgram(file, "fails once");
  send(call(1, "echo"), request(2, "ping"));
  expect(await answer(1)).toMatchObject({ error: { code: -32603 } });
  expect(await answer(2)).toMatchObject({ result: {} });
  await saw("stderr", "The disk is gone");
  send(call(3, "echo", { a: 1 }));
  expect(await answer(3)).toMatchObject({ result: { content: [{ text: '{"a":1}' }] } });
});

describe("what a client announces", () => {
  const extensions = { "example.com/extension": { depth: 1 } };
  const told = async (answer: Promise<{ result?: Record<string, unknown> | undefined }>): Promise<unknown> => {
    const content: unknown = (await answer).result?.content;
    const [first]: unknown[] = Array.isArray(content) ? content : [];
    return JSON.parse(String(first instanceof Object ? Reflect.get(first, "text") : undefined));
  };

  test("in initialize is known to lists and to calls", async () => {
    const { send, answer } = runProgram(file);
    send(initialize("2025-11-25", { capabilities: { extensions } }), request(2, "tools/list"), call(3, "announced"));
    expect(await answer(2)).toMatchObject({ result: { announced: { extensions } } });
    expect(await told(answer(3))).toEqual({ [CAPABILITIES]: { extensions } });
  });

  test("in a request of the stateless revision is known to that request alone", async () => {
    const { send, answer } = runProgram(file);
    send(request(1, "tools/list", { _meta: stateless({ extensions }) }), request(2, "tools/list"));
    send(call(3, "announced", {}, { ...stateless({ extensions }), progressToken: 5 }), call(4, "announced"));
    expect(await answer(1)).toMatchObject({ result: { announced: { extensions } } });
    expect((await answer(2)).result).not.toHaveProperty("announced");
    expect(await told(answer(3))).toEqual({ progressToken: 5, [CAPABILITIES]: { extensions } });
    expect(await told(answer(4))).toEqual({ [CAPABILITIES]: {} });
  });

  test.each([
    ["large", JSON.stringify({ extensions: { big: { text: "x".repeat(5_000) } } })],
    ["deep", `${'{"a":'.repeat(20_000)}{}${"}".repeat(20_000)}`],
  ])("counts as nothing if it is too %s to keep", async (_, capabilities) => {
    const { send, answer } = runProgram(file);
    const meta = `{"${VERSION}":"2026-07-28","${CAPABILITIES}":${capabilities}}`;
    send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"announced","_meta":${meta}}}`);
    expect(await told(answer(1))).toEqual({ [CAPABILITIES]: {} });
  });
});

test("a resultType of the server's own is kept, and only a missing one becomes complete", async () => {
  const { send, answer } = runProgram(file);
  send(call(1, "announced", { resultType: "input_required" }, stateless()), call(2, "announced", {}, stateless()));
  expect(await answer(1)).toMatchObject({ result: { resultType: "input_required" } });
  expect(await answer(2)).toMatchObject({ result: { resultType: "complete" } });
});

/** The built server, with an own home and no credentials unless given. */
async function builtServer(env: Record<string, string> = {}, program = BUILT) {
  const HOME = await temporaryFolder();
  return runWith({ PATH: process.env.PATH, HOME, ...env }, program);
}

/** A copy of the built server without the files that contain one of the words. */
async function builtWithout(...words: string[]): Promise<string> {
  const folder = join(await temporaryFolder(), "dist");
  await cp(dirname(BUILT), folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), "utf8");
    if (words.some((word) => text.includes(word))) await rm(join(folder, name));
  }
  return join(folder, basename(BUILT));
}

/** The names in the order of their answers. */
const order = (messages: readonly { id?: unknown }[]) => messages.map(({ id }) => id);

const JOB = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };
const LIST = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

describe("the built server", () => {
  test("answers everything but calls in both eras without the SDK, zod and undici", async () => {
    const { send, answer, saw } = await builtServer({}, await builtWithout(FOREIGN.sdk, FOREIGN.zod, FOREIGN.undici));
    send(initialize(), request("ping", "ping"), request("prompt", "prompts/get", { name: "check_backups" }));
    send(...LIST.map((method) => request(method, method)));
    send(...LIST.map((method) => request(`stateless ${method}`, method, { _meta: stateless() })));
    send(request("discover", "server/discover", { _meta: stateless() }), request("unknown", "logging/setLevel"));

    expect(await answer(1)).toMatchObject({ result: { protocolVersion: "2025-11-25" } });
    expect(await answer("ping")).toMatchObject({ result: {} });
    expect(await answer("prompt")).toMatchObject({ result: { messages: [{ role: "user" }] } });
    for (const method of LIST) {
      const { result = {} } = await answer(method);
      const marks = { resultType: "complete", ttlMs: 300_000, cacheScope: "private", _meta: expect.anything() };
      expect(Object.keys(result)).toHaveLength(1);
      expect(await answer(`stateless ${method}`)).toMatchObject({ result: { ...result, ...marks } });
    }
    expect(await answer("tools/list")).toMatchObject({ result: { tools: { length: 9 } } });
    expect((await answer("resources/list")).result).toEqual({ resources: [] });
    expect((await answer("resources/templates/list")).result).toEqual({ resourceTemplates: [] });
    expect(await answer("discover")).toMatchObject({ result: { supportedVersions: ["2026-07-28"] } });
    expect(await answer("unknown")).toMatchObject({ error: { code: -32601 } });

    send(call("call", "list_saved_snapshots"), request("after", "ping"));
    expect(await answer("call")).toMatchObject({
      error: { code: -32603, message: expect.stringContaining("restart the MCP client") },
    });
    await saw("stderr", "a request could not be answered");
    expect(await answer("after")).toMatchObject({ result: {} });
  });

  test("answers a request for the view whose page is gone, and says in one line that its log is lost", async () => {
    const { send, answer, saw } = await builtServer({}, await builtWithout(FOREIGN.pino, "<!doctype html>"));
    send(initialize("2025-11-25", { capabilities: { extensions: { "io.modelcontextprotocol/ui": {} } } }));
    send(request("view", "resources/read", { uri: "ui://atlas-flex-snapshots/save.html" }), request("after", "ping"));
    expect(await answer("view")).toMatchObject({ error: { code: -32603, message: "Internal error" } });
    expect(await answer("after")).toMatchObject({ result: {} });
    await saw("stderr", "The log is lost, since its library could not be loaded (ERR_MODULE_NOT_FOUND).");
  });

  test("says in its log at level debug what it refused", async () => {
    const { child, saw } = await builtServer({ ATLAS_FLEX_LOG_LEVEL: "debug" });
    child.stdin.write("garbage\n");
    await saw("stderr", "a message was refused");
  });

  test("answers a call and a ping that come before initialize", async () => {
    const { send, answer, messages } = await builtServer();
    send(call(2, "list_saved_snapshots"), request(3, "ping"), initialize());
    expect(await answer(2)).toMatchObject({ result: { structuredContent: { files: [] } } });
    expect(order(messages())).toEqual([3, 1, 2]);
  });

  test("answers 1,000 calls in one burst while its server is still loading, each once", async () => {
    const { send, answer, messages } = await builtServer();
    const ids = Array.from({ length: 1_000 }, (_, index) => index + 2);
    send(initialize(), ...ids.map((id) => call(id, "list_saved_snapshots")), request("ping", "ping"));
    for (const id of ids) expect(await answer(id)).toMatchObject({ result: { structuredContent: { files: [] } } });
    expect(order(messages()).slice(0, 2)).toEqual([1, "ping"]);
    expect(new Set(order(messages())).size).toBe(1_002);
    expect(messages()).toHaveLength(1_002);
  });

  test("answers garbage and batches while its server is still loading, and then the calls around them", async () => {
    const { send, answer, messages } = await builtServer();
    send(call(1, "list_saved_snapshots"), "garbage", "", "[]", `[${JSON.stringify(call(7, "x"))}]`, '{"id":');
    send(call(2, "list_saved_snapshots", { unknown: 1 }), '{"jsonrpc":"2.0","id":3}', call(4, "no_such_tool"));
    expect(await answer(1)).toMatchObject({ result: { structuredContent: { files: [] } } });
    expect(await answer(2)).toMatchObject({ result: { isError: true } });
    expect(await answer(4)).toMatchObject({ error: { code: -32602 } });
    const codes = messages().flatMap(({ id, error }) => (error && id !== 4 ? [[id, error.code]] : []));
    const request = -32600;
    expect(codes).toEqual([
      [null, -32700],
      [null, request],
      [null, request],
      [null, -32700],
      [3, request],
    ]);
  });

  test("neither runs nor answers a call that was cancelled while it was queued", async () => {
    const simulator = await simulatorFor();
    const { send, answer, messages, output } = await builtServer({
      ...SERVICE_ACCOUNT,
      MONGODB_ATLAS_BASE_URL: simulator.baseUrl,
    });
    send(initialize(), call(2, "get_restore_job", JOB), call(3, "get_restore_job", JOB, stateless()));
    send(cancel(2), cancel(3), call(4, "list_flex_snapshots", CLUSTER));
    expect(await answer(4)).toMatchObject({
      result: { structuredContent: { latestCompleteSnapshotId: expect.any(String) } },
    });
    send(call(2, "list_saved_snapshots"));
    expect(await answer(2)).toMatchObject({ result: { structuredContent: { files: [] } } });
    expect(order(messages())).toEqual([1, 4, 2]);
    expect(simulator.requests.some(({ path }) => path.includes("restoreJobs"))).toBe(false);
    expect(output.stderr).not.toContain('get_restore_job","outcome');
  });

  test("answers the queued calls when its input ends while its server is still loading, and ends", async () => {
    const { send, child, ended, messages, output } = await builtServer();
    send(initialize(), ...[2, 3, 4].map((id) => call(id, "list_saved_snapshots")));
    child.stdin.end();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(order(messages()).sort()).toEqual([1, 2, 3, 4]);
    expect(messages().every(({ result }) => result)).toBe(true);
    expect(output.stderr).not.toMatch(/end-timed-out|end-failed|could not be loaded/);
  });

  test("runs no queued call after a signal", { tags: "signals" }, async () => {
    const simulator = await simulatorFor();
    const { send, child, ended, answer, messages } = await builtServer({
      ...SERVICE_ACCOUNT,
      MONGODB_ATLAS_BASE_URL: simulator.baseUrl,
    });
    send(initialize(), call(2, "get_restore_job", JOB));
    await answer(1);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(order(messages())).toEqual([1]);
    expect(simulator.requests).toEqual([]);
  });
});
