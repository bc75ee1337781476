// A server as the SDK's guide writes it: its high-level class and one tool with a zod schema.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import * as z from "zod";

const server = new McpServer({ name: "usual", version: "1.0.0" });
server.registerTool(
  "echo",
  { description: "Answers with what it was given.", inputSchema: { text: z.string() } },
  ({ text }) => ({ content: [{ type: "text", text }] }),
);
await server.connect(new StdioServerTransport());
