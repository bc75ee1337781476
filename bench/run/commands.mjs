import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** Runs a program to its end and resolves with what it printed; rejects unless its exit code is 0. */
export async function run(command, args, options = {}) {
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 2 ** 26, ...options });
  return stdout;
}

/** Where a program lies, undefined where it is not installed. */
export async function findProgram(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path) {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // Not there, or not for us: the same to a caller.
  }
}

/** GNU time; other systems have a time of their own that knows no format. */
const TIME = process.platform === "linux" ? await findProgram("time") : undefined;

/**
 * A command line under GNU time, and what it cost once it has ended: processor seconds of all its processes, and the
 * most memory that any one of them had. Both are undefined where there is no GNU time.
 */
export function costed(command, args, file) {
  if (TIME === undefined) return { command, args, cost: async () => ({}) };
  return {
    command: TIME,
    args: ["--format=%U %S %M", `--output=${file}`, command, ...args],
    cost: async () => {
      const [user, system, peakKib] = (await readFile(file, "utf8")).trim().split("\n").at(-1).split(" ").map(Number);
      await rm(file);
      return { cpuSeconds: user + system, peakMb: (peakKib * 1024) / 1e6 };
    },
  };
}

/** Megabytes that a running process has in memory, now (`VmRSS`) or at most so far (`VmHWM`); undefined outside Linux. */
export async function memoryMb(pid, field) {
  if (process.platform !== "linux") return undefined;
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kib) * 1024) / 1e6;
}
