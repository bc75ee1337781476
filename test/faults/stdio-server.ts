import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import * as z from "zod";
import { BUILT } from "../fixtures.ts";

const Params = z.record(z.string(), z.unknown());

/** All that may appear on standard output; anything else is a violation. */
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

export interface Ended {
  code: number | null;
  signal: string | null;
}

interface CallOptions {
  /** Asks for progress. */
  progress?: boolean;
  /** Cancels the call as a client does, and rejects. */
  signal?: AbortSignal;
}

export interface StdioServer {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Rejects when the answer is a protocol error or does not satisfy the tool's output schema. */
  call: (tool: string, args: Record<string, unknown>, options?: CallOptions) => Promise<ToolResult>;
  /** Everything written so far, byte for byte. */
  output: { stdout: string; stderr: string };
  /** Lines of standard output that are not JSON-RPC. */
  violations: string[];
  ended: Promise<Ended>;
  /** Closes standard input, as a client that leaves does. */
  leave: () => Promise<Ended>;
}

/** Compiling a schema costs more than a call, and every server of a run declares the same ones. */
const validators = new Map<string, ValidateFunction>();
const ajv = new Ajv2020({ validateFormats: false });

function validatorOf(schema: object): ValidateFunction {
  const key = JSON.stringify(schema);
  const known = validators.get(key) ?? ajv.compile(schema);
  validators.set(key, known);
  return known;
}

/** The built server as a client's child, without a client library in between: every byte of its output is looked at. */
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
  // Tests that end the server look at how it ended, not at the pipe that breaks with it.
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
    return undefined; // Judged by whoever asked: no JSON is no JSON-RPC.
  }
}
