import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, afterEach } from "vitest";
import * as z from "zod";
import { removeFolder, SCRATCH } from "../scratch.ts";

const folder = mkdtemp(join(SCRATCH, "protocol-"));
const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});
afterAll(async () => removeFolder(await folder));

/** Bundles a program of test/protocol/programs the way the product is bundled; returns the path of the built file. */
export async function buildProgram(name: string): Promise<string> {
  const outfile = join(await folder, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, "programs", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: "const require = process.getBuiltinModule;" },
  });
  return outfile;
}

/** Runs a built program with pipes; it is killed after the test that started it. */
export const runProgram = (file: string, ...args: string[]) => runWith(process.env, file, ...args);

/** The same with only this environment. */
export function runWith(env: NodeJS.ProcessEnv, file: string, ...args: string[]) {
  const child = spawn(process.execPath, [file, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  const answers = new Map<Message["id"], Message>();
  const asked = new Map<Message["id"], (message: Message) => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const look of waiting) look();
    });
  }
  // A program that ends before it has read everything breaks the pipe. Tests check how it ended instead.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });

  /** Resolves when the stream contains the text. */
  const saw = (name: "stdout" | "stderr", text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!output[name].includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });

  /** Every complete line of standard output; throws when a line is not JSON. */
  const messages = (): Message[] => output.stdout.split("\n").slice(0, -1).map(parseMessage);
  /** Resolves with the answer to this id. */
  const answer = (id: Message["id"]): Promise<Message> =>
    new Promise((resolve) => {
      const found = answers.get(id);
      if (found) resolve(found);
      else asked.set(id, resolve);
    });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.includes('"jsonrpc"')) return;
    const message = parseMessage(line);
    if (message.method !== undefined) return;
    answers.set(message.id, message);
    asked.get(message.id)?.(message);
  });
  const send = (...lines: (object | string)[]) =>
    child.stdin.write(lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
  return { child, output, ended, saw, messages, answer, send };
}

export interface Message {
  id?: string | number | null | undefined;
  method?: string | undefined;
  params?: Record<string, unknown> | undefined;
  result?: Record<string, unknown> | undefined;
  error?: { code: number; message: string; data?: unknown } | undefined;
}

const MessageSchema = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.looseObject({ code: z.int(), message: z.string() }).optional(),
});
const parseMessage = (line: string): Message => MessageSchema.parse(JSON.parse(line));
