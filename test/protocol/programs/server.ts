// A minimal server behind all layers of the product's protocol.
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListToolsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { withHandshake } from "../../../src/protocol/handshake.ts";
import { runUntilEnd } from "../../../src/protocol/lifecycle.ts";
import { withCheckedRequests } from "../../../src/protocol/requests.ts";
import { createStdioTransport } from "../../../src/protocol/stdio-transport.ts";

const tell = (event: object) => process.stderr.write(`${JSON.stringify(event)}\n`);
const serverInfo = { name: "small", version: "1.0.0" };
const capabilities = { tools: {}, prompts: {} };
const instructions = "Call echo.";
const server = new Server(serverInfo, { capabilities, instructions });
server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [{ name: "echo", inputSchema: { type: "object" as const } }],
}));
server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [{ name: "hello" }] }));
server.setRequestHandler(GetPromptRequestSchema, () => ({
  messages: [{ role: "user" as const, content: { type: "text" as const, text: "Hello" } }],
}));
server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification }) => {
  const args = params.arguments ?? {};
  const progressToken = params._meta?.progressToken;
  if (progressToken !== undefined) {
    await sendNotification({ method: "notifications/progress", params: { progressToken, progress: 1 } });
  }
  if (params.name === "wait") {
    tell({ waiting: args.mark });
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    tell({ cancelled: args.mark });
  }
  if (params.name === "chatty" && progressToken !== undefined) {
    const params = { progressToken, progress: 2 };
    setTimeout(() => sendNotification({ method: "notifications/progress", params }), 20);
  }
  if (params.name === "later") await new Promise((resolve) => setTimeout(resolve, 50));
  if (params.name === "polluted") {
    return { content: [{ type: "text" as const, text: String(Reflect.get({}, "polluted")) }] };
  }
  if (params.name === "long") {
    return { content: [{ type: "text" as const, text: "ü".repeat(Number(args.characters)) }] };
  }
  const text = params.name === "inexpressible" ? 1n : JSON.stringify(args);
  return { content: [{ type: "text" as const, text: String(text) }], ...(text === 1n && { _meta: { text } }) };
});

const facts = { serverInfo, capabilities, instructions };
const stdio = createStdioTransport(process.stdin, process.stdout);
const { open, transport } = withHandshake(stdio, facts);
const end = runUntilEnd({
  settle: stdio.idle,
  onEnd: async (reason) => {
    tell({ reason });
    await server.close();
  },
  report: (fault, error) => tell({ fault, error: String(error) }),
});
server.onclose = () => void end("transport-closed");
server.onerror = (error) => tell({ problem: error.message });
setInterval(() => undefined, 60_000);
await open();
await server.connect(withCheckedRequests(transport, facts));
