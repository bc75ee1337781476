import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import * as z from "zod";
import type { CredentialKind } from "../../src/simulator/simulated.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/simulator.ts";
import { BUILT, CLUSTER } from "../fixtures.ts";
import { removeFolder, SCRATCH } from "../scratch.ts";
import { credentialsOf, leaksIn, signaturesOf } from "../secrets/sentinels.ts";

/** A simulator and the built server that talks to it, with its own download folder. */
export interface Station {
  simulator: Simulator;
  server: StdioServer;
  folder: string;
  /** Starts another process with the same environment and folder; it ends with the station. */
  again: () => Promise<StdioServer>;
  /** Ends everything; resolves to the errors in the server's output and in how it ended. */
  close: () => Promise<string[]>;
}

export async function openStation({
  credentials = "serviceAccount",
  simulator: options = {},
  args = [],
  env = {},
}: {
  credentials?: CredentialKind;
  simulator?: SimulatorOptions;
  args?: string[];
  env?: Record<string, string>;
} = {}): Promise<Station> {
  const folder = await mkdtemp(join(SCRATCH, "faults-"));
  // High limits, since a refusal by a limit would hide the answer under test.
  const simulator = await startSimulator({
    tokenRequestsPerMinute: 1_000,
    liveTokens: 1_000,
    rateLimit: { capacity: 1_000_000, refillPerMinute: 1_000_000 },
    downloadLimit: 1_000,
    snapshotBytes: 100_000,
    ...options,
  });
  const start = () =>
    startStdioServer({
      args,
      env: {
        HOME: folder,
        ATLAS_FLEX_DOWNLOAD_DIR: join(folder, "snapshots"),
        ATLAS_FLEX_LOG_LEVEL: "trace",
        ...simulator.environments.owner[credentials],
        ...env,
      },
    });
  const server = await start();
  const others: StdioServer[] = [];
  return {
    simulator,
    server,
    folder,
    again: async () => {
      const other = await start();
      others.push(other);
      return other;
    },
    close: async () => {
      simulator.clearOrders();
      const signatures = await signaturesOf(simulator, CLUSTER);
      const { code, signal } = await server.leave();
      for (const other of others) await other.leave();
      await simulator.close();
      await removeFolder(folder);
      const unfit = server.output.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
      return [
        ...server.violations.map((line) => `not JSON-RPC on stdout: ${line}`),
        ...unfit.map((line) => `not a log record on stderr: ${line}`),
        ...leaksIn(server.output.stdout + server.output.stderr, credentialsOf(simulator)),
        ...leaksIn(server.output.stderr, signatures),
        ...(code === 0 ? [] : [`ended with code ${code}, signal ${signal}`]),
      ];
    },
  };
}

const Params = z.record(z.string(), z.unknown());

/** The only messages allowed on standard output. */
const Message = z.union([
  z.strictObject({ jsonrpc: z.literal("2.0"), id: z.int(), result: Params }),
  z.strictObject({
    jsonrpc: z.literal("2.0"),
    id: z.int().nullable(),
    error: z.strictObject({ code: z.int(), message: z.string(), data: z.unknown() }).partial({ data: true }),
  }),
  z.strictObject({ jsonrpc: z.literal("2.0"), method: z.string(), params: Params.optional() }),
]);

const ToolResult = z.strictObject({
  content: z.tuple([z.strictObject({ type: z.literal("text"), text: z.string() })]),
  structuredContent: Params,
  isError: z.literal(true).optional(),
});
export type ToolResult = z.infer<typeof ToolResult>;

const ToolList = z.object({ tools: z.array(z.object({ name: z.string(), outputSchema: Params })) });

interface Ended {
  code: number | null;
  signal: string | null;
}

interface CallOptions {
  /** Asks for progress. */
  progress?: boolean;
  /** Cancels the call as a client does; the call then rejects. */
  signal?: AbortSignal;
}

export interface StdioServer {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Rejects when the answer is a protocol error or does not satisfy the tool's output schema. */
  call: (tool: string, args: Record<string, unknown>, options?: CallOptions) => Promise<ToolResult>;
  /** Everything written so far. */
  output: { stdout: string; stderr: string };
  /** Lines of standard output that are not JSON-RPC. */
  violations: string[];
  ended: Promise<Ended>;
  /** Closes standard input, as a leaving client does. */
  leave: () => Promise<Ended>;
}

/** Shared: compiling a schema costs more than a call, and all servers declare the same schemas. */
const validators = new Map<string, ValidateFunction>();
const ajv = new Ajv2020({ validateFormats: false });

function validatorOf(schema: object): ValidateFunction {
  const key = JSON.stringify(schema);
  const known = validators.get(key) ?? ajv.compile(schema);
  validators.set(key, known);
  return known;
}

/** The built server as a client's child process. Without a client library, every byte of its output can be checked. */
export async function startStdioServer(options: {
  args?: string[];
  env: Record<string, string>;
}): Promise<StdioServer> {
  const child = spawn(process.execPath, [BUILT, ...(options.args ?? [])], {
    env: { PATH: process.env.PATH ?? "", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const violations: string[] = [];
  const waiting = new Map<
    number,
    { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }
  >();
  let lastId = 0;

  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  // Tests that end the server check how it ended; the broken pipe does not matter.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => {
      resolve({ code, signal });
      for (const { reject } of waiting.values()) reject(new Error("The server ended before it answered"));
    });
  });

  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = Message.safeParse(jsonOf(line)).data;
    if (!message) violations.push(line);
    if (!message || !("id" in message) || message.id === null) return;
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if ("result" in message) call?.resolve(message.result);
    else call?.reject(new Error(`${message.error.code}: ${message.error.message}`));
  });

  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  function request(method: string, params: object, signal?: AbortSignal): Promise<Record<string, unknown>> {
    lastId += 1;
    const id = lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      signal?.addEventListener("abort", () => {
        send({ method: "notifications/cancelled", params: { requestId: id } });
        reject(new Error("cancelled"));
      });
      send({ id, method, params });
    });
  }

  const clientInfo = { name: "fault-test", version: "1.0.0" };
  await request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
  send({ method: "notifications/initialized" });
  const { tools } = ToolList.parse(await request("tools/list", {}));

  return {
    child,
    output,
    violations,
    ended,
    call: async (name, args, { progress = false, signal } = {}) => {
      const asked = progress ? { _meta: { progressToken: "watched" } } : {};
      const result = ToolResult.parse(await request("tools/call", { name, arguments: args, ...asked }, signal));
      const validate = validatorOf(tools.find((tool) => tool.name === name)?.outputSchema ?? { not: {} });
      if (!validate(result.structuredContent))
        throw new Error(`${name} breaks its output schema: ${ajv.errorsText(validate.errors)}`);
      return result;
    },
    leave: () => {
      child.stdin.end();
      return ended;
    },
  };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // The caller counts a line that is not JSON as a violation.
  }
}
