// What process.test.ts and process.long.test.ts have in common.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import fc from "fast-check";
import { expect } from "vitest";
import { Failure } from "../../src/core/errors.ts";
import type { SnapshotStore } from "../../src/download/contract.ts";
import { removeFolder, SCRATCH } from "../scratch.ts";
import { IMPATIENT } from "./fault-rows.ts";
import { type Behaviour, type RemoteFile, respond, serve, startFaultServer, type Twist } from "./fault-server.ts";
import {
  defaultName,
  facts,
  flipBit,
  hashOf,
  identity,
  KIB,
  limits,
  namesIn,
  openStore,
  patiently,
  readJsonFile,
  remoteFile,
  saveTo,
  sha256,
  sourceOf,
  temporaryFolder,
  worker,
} from "./fixtures.ts";

export interface Child {
  process: ChildProcess;
  /** The output of the process when it ends; undefined when it was killed. */
  result: Promise<{ first: Record<string, unknown>; second?: Record<string, unknown> } | undefined>;
}

/** Bundles the child's program. */
export async function buildChild(): Promise<{ program: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(SCRATCH, "store-child-"));
  const program = join(folder, "child.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("child-main.ts", import.meta.url))],
    outfile: program,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: "const require = process.getBuiltinModule;" },
  });
  return { program, remove: () => removeFolder(folder) };
}

/** Saves the file at `url` into `folder` in a process of its own; `limit` is a command of a POSIX shell that runs first. */
export function startChild(
  program: string,
  { folder, url, limit, mode = "" }: { folder: string; url: string; limit?: string; mode?: string },
): Child {
  const order = JSON.stringify({ folder, url, mode, worker, identity, facts, limits });
  const words = [process.execPath, program, order];
  const [command = "", ...args] =
    limit === undefined ? words : ["/bin/sh", "-c", `${limit}; exec "$@"`, "sh", ...words];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const output = text(child.stdout);
  const result = once(child, "exit").then(async () => {
    const written = await output;
    return written ? JSON.parse(written) : undefined;
  });
  return { process: child, result };
}

/**
 * Kills a process after the file host has sent `share` of the file, then continues in this process. That transfer must begin
 * exactly at the bytes that the dead process had committed, and end with the host's bytes.
 */
export async function killAndContinue(file: RemoteFile, share: number, folder: string, program: string): Promise<void> {
  const stopAt = Math.floor(file.bytes.length * share);
  const honest = serve(file, { trickle: { bytes: 128 * 1024, ms: 4 } });
  const killing: Behaviour = async (request, socket) => {
    const write = socket.write.bind(socket);
    let sent = 0;
    socket.write = (chunk: Uint8Array | string) => {
      sent += chunk.length;
      if (sent > stopAt) child.process.kill("SIGKILL");
      return write(chunk);
    };
    await honest(request, socket);
  };
  const server = await startFaultServer(killing);
  const child = startChild(program, { folder, url: server.url });
  const result = await child.result;
  try {
    expect(result).toBeUndefined();
    const names = await namesIn(folder);
    const committed = names.includes(`${defaultName}.part.json`)
      ? Number((await readJsonFile(folder, `${defaultName}.part.json`)).committedBytes)
      : 0;
    if (committed > 0) {
      expect((await stat(join(folder, `${defaultName}.part`))).size).toBeGreaterThanOrEqual(committed);
    }
    server.script(serve(file));
    const store = openStore(folder, { source: sourceOf(server.url) });
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
    const range = server.requests[1]?.headers.range;
    if (server.requests.length > 1) expect(range).toBe(committed > 0 ? `bytes=${committed}-` : undefined);
  } finally {
    await server.close();
  }
}

const SIZE = 150 * KIB;

/** The files that the host may send: two sound versions and a damaged one, each with its own ETag. */
export async function versionsOf(): Promise<RemoteFile[]> {
  const [one, two] = [await remoteFile(SIZE, 1), await remoteFile(SIZE, 2)];
  return [one, two, { bytes: flipBit(one.bytes, SIZE / 2), etag: '"damaged"' }];
}

const twist: fc.Arbitrary<Twist> = fc.record(
  {
    after: fc.integer({ min: 0, max: SIZE + 2 * KIB }),
    end: fc.constantFrom("fin" as const, "rst" as const),
    chunked: fc.constantFrom("ended" as const, "unended" as const),
    ignoreRange: fc.boolean(),
    ignoreIfRange: fc.boolean(),
    headers: fc.constantFrom(
      { etag: undefined },
      { "content-range": undefined },
      { "content-range": "bytes 5-9/10" },
      { "content-encoding": "gzip" },
      { "content-length": undefined },
      {},
    ),
  },
  { requiredKeys: [] },
);

const status = fc.constantFrom(
  "403 X",
  "404 X",
  "412 X",
  "416 X",
  "429 X",
  "500 X",
  "503 X",
  "302 X",
  "204 X",
  "200 X",
);

/** How one connection behaves, as data that a failing run can print. */
const connection = fc.oneof(
  { weight: 6, arbitrary: fc.record({ version: fc.nat({ max: 2 }), twist }) },
  { weight: 2, arbitrary: fc.record({ status }) },
);

/** What happens during the script: the save is waited for, cancelled, or interrupted by closing the store. */
const action = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "save" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), afterMs: fc.nat({ max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("close" as const), afterMs: fc.nat({ max: 40 }) }) },
);

const step = fc.record({ script: fc.array(connection, { minLength: 1, maxLength: 5 }), action });

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Up to `most` rounds, each of a script and an action. */
export function stepsOf(most: number): fc.Arbitrary<Step[]> {
  return fc.array(step, { minLength: 1, maxLength: most });
}

/** Plays the steps against one folder. No step leaves a wrong file or a mixed part; at the end an honest host completes the save. */
export async function play(versions: RemoteFile[], steps: Step[]): Promise<void> {
  const server = await startFaultServer();
  const folder = await temporaryFolder();
  // Many of the faults end in a stall.
  const open = () => openStore(folder, { source: sourceOf(server.url), limits: { ...IMPATIENT, stallMs: 80 } });
  let store: SnapshotStore = open();
  try {
    for (const { script, action } of steps) {
      server.script(...script.map((behaviour) => behaviourOf(versions, behaviour)));
      store = await act(store, action, open);
      await expectHonest(folder, versions);
    }
    server.script(...versions.slice(0, 1).map((file) => serve(file)));
    await saveUntilComplete(store);
    await expectHonest(folder, versions);
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  } finally {
    await store.close();
    await server.close();
  }
}

function behaviourOf(versions: RemoteFile[], step: Step["script"][number]): Behaviour {
  if ("status" in step) return respond(step.status, {}, "<html>");
  const file = versions[step.version];
  return file ? serve(file, step.twist) : respond("500 X");
}

async function act(store: SnapshotStore, action: Step["action"], open: () => SnapshotStore): Promise<SnapshotStore> {
  if (action.kind === "save") {
    await saveTo(store).catch(expectFailure);
    return store;
  }
  if (action.kind === "cancel") {
    const signal = AbortSignal.timeout(action.afterMs);
    await store.save(identity, patiently({ signal })).catch((error) => signal.aborted || expectFailure(error));
  } else {
    await store.save(identity, patiently({ waitMs: action.afterMs })).catch(expectFailure);
  }
  await store.close();
  return open();
}

function expectFailure(error: unknown): void {
  expect(error).toBeInstanceOf(Failure);
  expect(error).not.toMatchObject({ code: "INTERNAL_ERROR" });
}

/** A missed failure is reported once, and a damaged part costs one more try. */
async function saveUntilComplete(store: SnapshotStore): Promise<void> {
  const outcomes: unknown[] = [];
  for (let tries = 0; tries < 3; tries += 1) {
    const report = await saveTo(store).catch((error: unknown) => error);
    outcomes.push(report);
    if (report instanceof Object && "state" in report && report.state === "complete") return;
  }
  expect(outcomes).toEqual([expect.objectContaining({ state: "complete" })]);
}

async function expectHonest(folder: string, versions: RemoteFile[]): Promise<void> {
  const names = await namesIn(folder);
  const sound = versions.slice(0, 2).map(({ bytes }) => sha256(bytes));
  if (names.includes(defaultName)) expect(sound).toContain(await hashOf(folder));
  if (!names.includes(`${defaultName}.part`)) return;
  const part = await readFile(join(folder, `${defaultName}.part`));
  const isPrefix = versions.some(({ bytes }) => part.equals(bytes.subarray(0, part.length)));
  expect(isPrefix, `a part of ${part.length} bytes is the beginning of one version`).toBe(true);
}
