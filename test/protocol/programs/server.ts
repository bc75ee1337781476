// A minimal server behind all layers of the product's protocol; with the argument "bare", on the transport alone.
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { createFrontDesk } from "../../../src/protocol/front-desk.ts";
import { runUntilEnd } from "../../../src/protocol/lifecycle.ts";
import { createStdioTransport } from "../../../src/protocol/stdio-transport.ts";

const tell = (event: object) => process.stderr.write(`${JSON.stringify(event)}\n`);
const behaviour = process.argv[2];
const serverInfo = { name: "small", version: "1.0.0" };
const capabilities = { tools: {}, prompts: {} };
const instructions = "Call echo.";
const server = new Server(serverInfo, { capabilities, instructions });
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
  if (params.name === "announced") {
    return {
      content: [{ type: "text" as const, text: JSON.stringify(params._meta ?? {}) }],
      resultType: typeof args.resultType === "string" ? args.resultType : undefined,
    };
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

const stdio = createStdioTransport(process.stdin, process.stdout);
const onClose = () => void end("transport-closed");
const end = runUntilEnd({
  settle: stdio.idle,
  onEnd: async (reason) => {
    tell({ reason });
    await stdio.close();
  },
  report: (fault, error) => tell({ fault, error: String(error) }),
});
server.onerror = (error) => tell({ problem: error.message });
setInterval(() => undefined, 60_000);
if (behaviour === "bare") {
  server.onclose = onClose;
  await server.connect(stdio);
} else {
  let loads = 0;
  const desk = createFrontDesk(stdio, {
    facts: { serverInfo, capabilities: () => capabilities, instructions },
    answers: {
      "tools/list": (_params, announced) => ({
        result: {
          tools: [{ name: "echo", inputSchema: { type: "object" } }],
          ...(announced.extensions ? { announced } : {}),
        },
      }),
      "prompts/list": () => ({ result: { prompts: [{ name: "hello" }] } }),
      "prompts/get": () => ({ result: { messages: [{ role: "user", content: { type: "text", text: "Hello" } }] } }),
      "resources/list": () => ({ result: { resources: [] } }),
    },
    async connect(behind) {
      loads += 1;
      if (behaviour === "fails once" && loads === 1) throw new Error("The disk is gone");
      await server.connect(behind);
    },
    report: (level, error) => level === "error" && tell({ failure: String(error) }),
    onClose,
  });
  await desk.start();
}
