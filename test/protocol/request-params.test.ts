import { beforeAll, expect, test } from "vitest";
import { buildProgram, runProgram } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("server");
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
  ["ping", { _meta: 1 }, "params._meta is malformed"],
  ["tools/list", { cursor: 1 }, "params.cursor is missing or has the wrong type"],
  ["prompts/list", { cursor: {} }, "params.cursor is missing or has the wrong type"],
  ["prompts/get", {}, "params.name is missing or has the wrong type"],
  ["prompts/get", { name: "hello", arguments: { a: 1 } }, "params.arguments.a is missing or has the wrong type"],
  ["initialize", undefined, "params is missing or has the wrong type"],
  ["initialize", { ...initialize, protocolVersion: 1 }, "params.protocolVersion is missing or has the wrong type"],
  ["initialize", { ...initialize, clientInfo: {} }, "params.clientInfo.name is missing or has the wrong type"],
  ["initialize", { ...initialize, capabilities: [] }, "params.capabilities is missing or has the wrong type"],
];

test("params of a wrong type are answered with -32602 and one sentence", async () => {
  const { send, answer } = runProgram(file);
  send(...wrong.map(([method, params], id) => ({ jsonrpc: "2.0", id, method, params })));
  for (const [id, [method, , message]] of wrong.entries()) {
    const { error } = await answer(id);
    expect({ method, error }).toEqual({ method, error: { code: -32602, message: `Invalid params: ${message}` } });
  }
});

test("a call that asks for a task is processed as if it did not", async () => {
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

test("arguments nested 150,000 deep end nothing", async () => {
  const { send, answer } = runProgram(file);
  const deep = `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`;
  send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":${deep}}}`);
  await answer(1);
  send({ jsonrpc: "2.0", id: 2, method: "ping" });
  expect(await answer(2)).toMatchObject({ result: {} });
});
