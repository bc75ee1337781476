import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { onTestFinished } from "vitest";

/** The names that tools/list answers with, and what the server logged until it was closed again. */
export async function toolsAndLogOf(start: {
  command: string;
  args: string[];
  env: Record<string, string>;
}): Promise<{ tools: string[]; log: string }> {
  const transport = new StdioClientTransport({
    ...start,
    env: { PATH: process.env.PATH ?? "", ...start.env },
    stderr: "pipe",
  });
  let log = "";
  transport.stderr?.on("data", (chunk) => {
    log += String(chunk);
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  onTestFinished(() => client.close());
  await client.connect(transport);
  const { tools } = await client.listTools();
  await client.close();
  return { tools: tools.map(({ name }) => name), log };
}
