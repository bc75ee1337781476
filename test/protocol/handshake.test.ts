import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { expect, test } from "vitest";
import { NEGOTIABLE, withHandshake } from "../../src/protocol/handshake.ts";

const facts = {
  serverInfo: { name: "small", title: "Small", version: "1.0.0" },
  capabilities: { tools: {}, prompts: {} },
  instructions: "Call echo.",
};

const initialize = (protocolVersion: unknown, more: object = {}): JSONRPCMessage => ({
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

/** A client connected to a server, with everything that the client receives. */
async function clientOf(serve: (transport: Transport) => Promise<unknown>) {
  const [client, far] = InMemoryTransport.createLinkedPair();
  const received: JSONRPCMessage[] = [];
  client.onmessage = (message) => received.push(message);
  await serve(far);
  await client.start();
  return { client, received };
}

const behindHandshake = async (message: JSONRPCMessage) => {
  const passed: JSONRPCMessage[] = [];
  const { client, received } = await clientOf(async (far) => {
    const { transport, open } = withHandshake(far, facts);
    void open();
    transport.onmessage = (each) => passed.push(each);
    await transport.start();
  });
  await client.send(message);
  return { passed, received };
};

test("the negotiated versions are those of the SDK, latest first", () => {
  expect(NEGOTIABLE).toEqual(SUPPORTED_PROTOCOL_VERSIONS);
});

test.each([...SUPPORTED_PROTOCOL_VERSIONS, "2026-07-28", "2019-01-01", ""])(
  "a client that asks for version %j gets the answer that the SDK would give",
  async (version) => {
    const { serverInfo, ...options } = facts;
    const sdk = await clientOf((far) => new Server(serverInfo, options).connect(far));
    await sdk.client.send(initialize(version));
    await expect.poll(() => sdk.received).toHaveLength(1);
    const { received, passed } = await behindHandshake(initialize(version));
    expect(received).toEqual(sdk.received);
    expect(passed).toEqual([]);
  },
);

test.each([
  ["no version", initialize(undefined)],
  ["a version that is no text", initialize(20251125)],
  ["capabilities of a wrong type", initialize("2025-11-25", { capabilities: { roots: true } })],
  ["no capabilities", initialize("2025-11-25", { capabilities: undefined })],
  ["a client without a name", initialize("2025-11-25", { clientInfo: { version: "1.0.0" } })],
  ["_meta, which may name the stateless revision", initialize("2025-11-25", { _meta: {} })],
])("an initialize with %s is passed on to the layers behind", async (_, message) => {
  expect(await behindHandshake(message)).toEqual({ passed: [message], received: [] });
});

test("messages that arrive before the server is connected are delivered to it in order, and so is a close", async () => {
  const [client, far] = InMemoryTransport.createLinkedPair();
  const { transport, open } = withHandshake(far, facts);
  const begun = open();
  const ping = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, method: "ping" });
  await client.send(ping(1));
  await begun;
  await client.send(ping(2));
  const passed: unknown[] = [];
  transport.onmessage = (message) => passed.push(message);
  transport.onclose = () => passed.push("closed");
  await transport.start();
  await client.send(ping(3));
  await client.close();
  expect(passed).toEqual([ping(1), ping(2), ping(3), "closed"]);
});

test("an early message that cannot be handled does not stop the delivery of the others", async () => {
  const [client, far] = InMemoryTransport.createLinkedPair();
  const { transport, open } = withHandshake(far, facts);
  void open();
  const response = (id: number): JSONRPCMessage => ({ jsonrpc: "2.0", id, result: {} });
  await client.send(response(1));
  await client.send(response(2));
  const seen: unknown[] = [];
  transport.onmessage = (message) => {
    if (seen.push(message) === 1) throw new RangeError("Too deep");
  };
  transport.onerror = ({ message }) => seen.push(message);
  await transport.start();
  expect(seen).toEqual([response(1), "A message could not be handled", response(2)]);
});
