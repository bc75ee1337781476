import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { unzipSync } from "fflate";
import { onTestFinished } from "vitest";
import { readManifest } from "./manifest.ts";

/** What a host hands over for a text that its user left blank: the placeholder as it stands, or nothing between quotes. */
export type Blank = "placeholder" | "empty";

export function unpack(bundle: Uint8Array, folder: string): void {
  for (const [name, content] of Object.entries(unzipSync(bundle))) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/**
 * Starts an unpacked bundle as a desktop host does: command, arguments and environment of its manifest, filled with the
 * settings of the user, else with defaults, and nothing of this process but what every program gets.
 */
export async function startInHost({
  folder,
  home,
  blank,
  settings = {},
  env = {},
}: {
  folder: string;
  home: string;
  blank: Blank;
  settings?: Record<string, string | boolean>;
  env?: Record<string, string>;
}) {
  const { user_config, server } = readManifest(folder);
  const fill = (text: string) =>
    text
      .replaceAll("${__dirname}", () => folder)
      .replaceAll(/\$\{user_config\.([^}]*)\}/g, (placeholder, key) => {
        const value = settings[key] ?? user_config[key]?.default ?? "";
        return value === "" && blank === "placeholder" ? placeholder : String(value);
      });
  const own = Object.entries(server.mcp_config.env).map(([name, value]) => [name, fill(value)]);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: server.mcp_config.args.map(fill),
    env: { HOME: home, USERPROFILE: home, ...env, ...Object.fromEntries(own) },
    cwd: home,
    stderr: "pipe",
  });
  let log = "";
  transport.stderr?.on("data", (chunk) => {
    log += String(chunk);
  });
  const client = new Client({ name: "desktop-host", version: "1.0.0" });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const { tools } = await client.listTools();
  return {
    client,
    toolNames: tools.map(({ name }) => name),
    call: async (name: string, args: Record<string, unknown> = {}): Promise<CallToolResult> => {
      const result = await client.callTool({ name, arguments: args });
      if (!("content" in result) || !Array.isArray(result.content)) throw new Error("The result has no content");
      return { ...result, content: result.content };
    },
    log: () => log,
  };
}
