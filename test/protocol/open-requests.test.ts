import { beforeAll, expect, test } from "vitest";
import { buildProgram, runProgram } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("server");
});

const waiting = (id: number) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name: "wait", arguments: { mark: String(id) } },
});
const cancel = (requestId: number) => ({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } });
const ping = (id: string) => ({ jsonrpc: "2.0", id, method: "ping" });

test("beyond 4,000 open requests another is refused at once, while cancellations still pass and make room", async () => {
  const { send, answer, saw } = runProgram(file);
  send(...Array.from({ length: 4_000 }, (_, id) => waiting(id)));
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
