import { JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readMessage } from "../../src/protocol/read-message.ts";

const read = (line: string | Buffer) => readMessage(Buffer.from(line));
const call = (params: string, method = "tools/call") =>
  `{"jsonrpc":"2.0","id":7,"method":"${method}","params":${params}}`;

test.each<[what: string, line: string | Buffer, id: unknown, code: number]>([
  ["a word", "hello", null, -32700],
  ["truncated JSON", '{"jsonrpc":"2.0","id":1', null, -32700],
  ["NaN", '{"jsonrpc":"2.0","id":NaN,"method":"ping"}', null, -32700],
  ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), null, -32700],
  ["a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), null, -32700],
  ["UTF-16", Buffer.from('{"jsonrpc":"2.0"}', "utf16le"), null, -32700],
  ["a string", '"hello"', null, -32600],
  ["null", "null", null, -32600],
  ["an empty object", "{}", null, -32600],
  ["an empty batch", "[]", null, -32600],
  ["a batch", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', null, -32600],
  ["200,000 nested arrays", "[".repeat(200_000) + "]".repeat(200_000), null, -32600],
  ["no version", '{"id":3,"method":"ping"}', 3, -32600],
  ["version 1.0", '{"jsonrpc":"1.0","id":"a","method":"ping"}', "a", -32600],
  ["no method", '{"jsonrpc":"2.0","id":4}', 4, -32600],
  ["a method that is a number", '{"jsonrpc":"2.0","id":4,"method":1}', 4, -32600],
  ["a request that is a response too", '{"jsonrpc":"2.0","id":4,"method":"ping","result":{}}', 4, -32600],
  ["id null", '{"jsonrpc":"2.0","id":null,"method":"ping"}', null, -32600],
  ["id 1.5", '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', null, -32600],
  ["id 2^60", '{"jsonrpc":"2.0","id":1152921504606846976,"method":"ping"}', null, -32600],
  ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"ping"}', null, -32600],
  ["an id of 1,025 bytes", `{"jsonrpc":"2.0","id":"${"x".repeat(1_023)}","method":"ping"}`, null, -32600],
  [
    "an id of 342 characters with three bytes each",
    `{"jsonrpc":"2.0","id":"${"€".repeat(342)}","method":"ping"}`,
    null,
    -32600,
  ],
  ["an id that its escapes make long", `{"jsonrpc":"2.0","id":"${'\\"'.repeat(600)}","method":"ping"}`, null, -32600],
  ["a progress token of 1 MB", call(`{"_meta":{"progressToken":"${"x".repeat(1_000_000)}"}}`), 7, -32602],
  ["params null", call("null"), 7, -32602],
  ["params that are an array", call("[]", "anything"), 7, -32602],
  ["params that are a string", call('"x"'), 7, -32602],
  ["_meta null", call('{"_meta":null}', "ping"), 7, -32602],
  ["a progress token that is an object", call('{"_meta":{"progressToken":{}}}', "ping"), 7, -32602],
  ["a progress token 0.5", call('{"_meta":{"progressToken":0.5}}', "ping"), 7, -32602],
  ["a related task without id", call('{"_meta":{"io.modelcontextprotocol/related-task":{}}}', "x"), 7, -32602],
])("%s is refused", (_what, line, id, code) => {
  expect(read(line)).toEqual({ kind: "refused", refusal: { id, code, message: expect.any(String) } });
});

const ID_RULE = "must be an integer, or a string of at most 1024 bytes in JSON, quotation marks included";

test.each([
  ["an id", `{"jsonrpc":"2.0","id":"${"x".repeat(1_023)}","method":"ping"}`, `Invalid request: id ${ID_RULE}`],
  [
    "a progress token",
    call(`{"_meta":{"progressToken":"${"x".repeat(1_023)}"}}`),
    `Invalid params: params._meta.progressToken ${ID_RULE}`,
  ],
  ["_meta", call('{"_meta":1}'), "Invalid params: params._meta must be an object"],
  [
    "a related task",
    call('{"_meta":{"io.modelcontextprotocol/related-task":{}}}'),
    'Invalid params: params._meta["io.modelcontextprotocol/related-task"] must be an object with a taskId',
  ],
])("the refusal of %s names the field and its rule", (_, line, message) => {
  expect(read(line)).toMatchObject({ kind: "refused", refusal: { message } });
});

test("an id of exactly 1,024 bytes in JSON is accepted", () => {
  expect(read(`{"jsonrpc":"2.0","id":"${"x".repeat(1_022)}","method":"ping"}`)).toMatchObject({ kind: "message" });
});

test("a refusal repeats nothing of what was sent", () => {
  expect(JSON.stringify(read('{"password":"hunter2'))).not.toContain("hunter2");
  expect(JSON.stringify(read(call('"hunter2"')))).not.toContain("hunter2");
});

test.each([
  ["an empty line", ""],
  ["blanks and a carriage return", " \t\r"],
  ["a byte order mark alone", "\ufeff"],
  ["a notification with wrong params", '{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}'],
  ["a response, since the server asks its client nothing", '{"jsonrpc":"2.0","id":1,"result":{}}'],
  ["a response without id", '{"jsonrpc":"2.0","result":{}}'],
  ["a response with id null", '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}'],
  ["a response with a broken error", '{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}'],
])("%s is never answered", (_what, line) => {
  expect(read(line).kind).toBe("dropped");
});

test.each([
  ["a carriage return at the end", '{"jsonrpc":"2.0","id":1,"method":"ping"}\r', { id: 1, method: "ping" }],
  ["a byte order mark", '\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}', { id: 1, method: "ping" }],
  [
    "members that JSON-RPC does not know",
    '{"jsonrpc":"2.0","id":1,"method":"ping","trace":5}',
    { id: 1, method: "ping" },
  ],
  ["id 0", '{"jsonrpc":"2.0","id":0,"method":"ping"}', { id: 0, method: "ping" }],
  ["an empty id", '{"jsonrpc":"2.0","id":"","method":"ping"}', { id: "", method: "ping" }],
])("%s is accepted", (_what, line, message) => {
  expect(read(line)).toEqual({ kind: "message", message: { jsonrpc: "2.0", ...message } });
});

test("a key __proto__ changes no prototype", () => {
  const reading = read(call('{"name":"x","arguments":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}'));
  expect(reading).toMatchObject({ kind: "message" });
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

const methods = fc.constantFrom(
  "tools/call",
  "tools/list",
  "initialize",
  "prompts/get",
  "notifications/cancelled",
  "x",
);
const id = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.constant(null));
const meta = fc.record({ progressToken: fc.oneof(id, fc.object()) }, { requiredKeys: [] });
const params = fc.oneof(fc.jsonValue(), fc.record({ _meta: fc.oneof(meta, fc.jsonValue()), name: fc.string() }));
const message = fc.record(
  { jsonrpc: fc.constantFrom("2.0", "2.0", 2), id, method: methods, params, result: params, error: fc.jsonValue() },
  { requiredKeys: ["jsonrpc"] },
);

test("the SDK accepts every request that passes, so that it drops none without an answer", () => {
  fc.assert(
    fc.property(message, (value) => {
      const reading = read(JSON.stringify(value));
      if (reading.kind !== "message" || !("method" in reading.message)) return;
      expect(JSONRPCMessageSchema.safeParse(reading.message).error).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

test("an id and a progress token of 1,024 bytes are as good as short ones", () => {
  const text = "x".repeat(1_022);
  const line = `{"jsonrpc":"2.0","id":"${text}","method":"ping","params":{"_meta":{"progressToken":"${text}"}}}`;
  expect(read(line)).toMatchObject({
    kind: "message",
    message: { id: text, params: { _meta: { progressToken: text } } },
  });
});
