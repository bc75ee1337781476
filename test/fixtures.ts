import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../src/simulator/simulated.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../src/simulator/simulator.ts";
import { removeFolder, SCRATCH } from "./scratch.ts";

/** The built server, as its users start it. */
export const BUILT = join(import.meta.dirname, "../dist/atlas-flex-snapshots-mcp.js");

/** The published cluster of the simulated world. */
export const CLUSTER = { groupId: SIMULATED.groupId, name: SIMULATED.name };

export const SERVICE_ACCOUNT = {
  MONGODB_ATLAS_CLIENT_ID: SIMULATED.clientId,
  MONGODB_ATLAS_CLIENT_SECRET: SIMULATED.clientSecret,
};
export const API_KEY = {
  MONGODB_ATLAS_PUBLIC_API_KEY: SIMULATED.publicKey,
  MONGODB_ATLAS_PRIVATE_API_KEY: SIMULATED.privateKey,
};
export const ACCESS_TOKEN = { MONGODB_ATLAS_ACCESS_TOKEN: SIMULATED.accessToken };

/** Every field of the error envelope; an undocumented field fails the test. */
const Envelope = z.strictObject({
  error: z.int().optional(),
  errorCode: z.string().optional(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  parameters: z.array(z.string()).optional(),
  badRequestDetail: z
    .strictObject({ fields: z.array(z.strictObject({ field: z.string(), description: z.string() })) })
    .optional(),
  source: z.enum(["atlas", "credentials", "network", "configuration", "input", "file-host", "disk"]),
  retryable: z.boolean(),
  retryAfterSeconds: z.number().optional(),
  hint: z.string(),
});

type Env = Record<string, string>;

/** A simulator for this test, closed when the test ends. */
export async function simulatorFor(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options);
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A folder for this test, removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(SCRATCH, "atlas-flex-"));
  onTestFinished(() => removeFolder(folder));
  return folder;
}

export interface Connection {
  client: Client;
  call: (name: string, args?: Record<string, unknown>) => Promise<CallToolResult>;
  /** Everything the server has written to standard error so far. */
  log: () => string;
  /** The server's process id. */
  pid: number;
}

export interface Session extends Connection {
  /** The structured content of a call that must succeed. */
  ok: (name: string, args?: Record<string, unknown>) => Promise<Record<string, unknown>>;
  /** The error envelope of a call that must fail. */
  fails: (name: string, args?: Record<string, unknown>) => Promise<z.infer<typeof Envelope>>;
}

/** Starts a server under a real client over stdio, with only the given environment; closes both when the test ends. */
export async function connect(start: { command: string; args: string[]; env: Env; cwd?: string }): Promise<Connection> {
  const transport = new StdioClientTransport({ ...start, stderr: "pipe" });
  let log = "";
  transport.stderr?.on("data", (chunk) => {
    log += String(chunk);
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return {
    client,
    call: async (name, args = {}) => {
      const result = await client.callTool({ name, arguments: args });
      if (!("content" in result) || !Array.isArray(result.content)) throw new Error("The result has no content");
      return { ...result, content: result.content };
    },
    log: () => log,
    pid: transport.pid ?? 0,
  };
}

/** The built server under a real client. */
export async function serverWith({ args = [], env = {} }: { args?: string[]; env?: Env } = {}): Promise<Session> {
  const home = await temporaryFolder();
  const connection = await connect({
    command: process.execPath,
    args: [BUILT, ...args],
    env: { PATH: process.env.PATH ?? "", HOME: home, ATLAS_FLEX_DOWNLOAD_DIR: join(home, "snapshots"), ...env },
  });
  const { client, call } = connection;
  // After listing, the client checks every result against the declared output schema.
  await client.listTools();
  return {
    ...connection,
    async ok(name, args) {
      const { isError, structuredContent, content } = await call(name, args);
      if (isError || !structuredContent) throw new Error(`${name} failed: ${JSON.stringify(content)}`);
      return structuredContent;
    },
    async fails(name, args) {
      const { isError, structuredContent } = await call(name, args);
      if (!isError || !structuredContent?.error)
        throw new Error(`${name} did not fail: ${JSON.stringify(structuredContent)}`);
      return Envelope.parse(structuredContent.error);
    },
  };
}

/** The built server against a simulator, with a service account unless other credentials are given. */
export async function serverAgainst(
  simulator: Simulator,
  { args = [], env = SERVICE_ACCOUNT }: { args?: string[]; env?: Env } = {},
): Promise<Session> {
  return serverWith({ args, env: { MONGODB_ATLAS_BASE_URL: simulator.baseUrl, ...env } });
}
