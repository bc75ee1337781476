import { once } from "node:events";
import { beforeAll, describe, expect, test } from "vitest";
import { buildProgram, runProgram } from "./run-program.ts";

let file: string;
beforeAll(async () => {
  file = await buildProgram("lifecycle");
});

async function start(behaviour = "plain") {
  const program = runProgram(file, behaviour);
  await program.saw("stderr", '"ready"');
  return program;
}

const told = (stderr: string): unknown[] => stderr.split("\n").flatMap((line) => (line ? [JSON.parse(line)] : []));

describe("the process cleans up once and ends with code 0", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("on %s", { tags: "signals" }, async (signal) => {
    const { child, output, ended } = await start();
    child.kill(signal);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toEqual([{ ready: true }, { reason: signal }, { closed: "all" }]);
    expect(output.stdout).toBe("xxxxxxxxxx\n");
  });

  test("when the input ends, after the calls in flight were answered", async () => {
    const { child, output, ended } = await start();
    child.stdin.end();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toEqual([{ ready: true }, { reason: "input-ended" }, { closed: "all" }]);
    expect(output.stdout).toBe("late answer\nxxxxxxxxxx\n");
  });

  test("when the input ends and a call outlasts the grace period", async () => {
    const { child, output, ended } = await start("unsettled");
    child.stdin.end();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toEqual([{ ready: true }, { reason: "input-ended" }, { closed: "all" }]);
  });

  test("when the reader of its output goes away", async () => {
    const { child, output, ended, saw } = await start("chatter");
    await saw("stdout", "x\n");
    child.stdout.destroy();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toEqual([{ ready: true }, { reason: "output-closed" }, { closed: "all" }]);
  });

  test("when the transport closes", async () => {
    const { output, ended } = await start("transport");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toContainEqual({ reason: "transport-closed" });
  });

  test("when several things end it at once", { tags: "signals" }, async () => {
    const { child, output, ended } = await start("chatter");
    child.stdin.end();
    child.stdout.destroy();
    child.kill("SIGINT");
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(output.stderr.match(/reason/g)).toHaveLength(1);
    expect(output.stderr.match(/closed":"all/g)).toHaveLength(1);
  });

  test("when the cleanup never finishes, at the time limit", async () => {
    const { child, output, ended } = await start("hanging end");
    child.stdin.end();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toContainEqual({ fault: "end-timed-out", error: "input-ended" });
  });

  test("when the cleanup fails", async () => {
    const { child, output, ended } = await start("failing end");
    child.stdin.end();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(told(output.stderr)).toContainEqual({ fault: "end-failed", error: "Error: revocation failed" });
  });
});

test("output that far exceeds a pipe's buffer is flushed before the end", async () => {
  const { child, output, ended } = await start("large output");
  child.stdin.end();
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(output.stdout).toHaveLength("late answer\n".length + 4_000_001);
});

test("a client that stopped reading delays the end by the time limit at most", async () => {
  const { child } = await start("large output, short limit");
  child.stdout.pause();
  const exited = once(child, "exit");
  child.stdin.end();
  expect(await exited).toEqual([0, null]);
});

test("an uncaught exception is reported, and the process cleans up and ends with code 1", async () => {
  const { output, ended } = await start("exception");
  expect(await ended).toEqual({ code: 1, signal: null });
  expect(told(output.stderr)).toEqual([
    { ready: true },
    { fault: "uncaught-exception", error: expect.stringContaining("SyntaxError") },
    { reason: "uncaught-exception" },
    { closed: "all" },
  ]);
});

test("an unhandled rejection is reported and does not end the process", async () => {
  const { child, output, ended, saw } = await start("rejection");
  await saw("stderr", "nobody waits");
  expect(child.exitCode).toBeNull();
  child.stdin.end();
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(told(output.stderr)).toContainEqual({ fault: "unhandled-rejection", error: "Error: nobody waits" });
});

test("a closed standard error does not end the process", async () => {
  const { child, output, ended } = await start();
  child.stderr.destroy();
  child.stdin.end();
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(output.stdout).toBe("late answer\nxxxxxxxxxx\n");
});

test("text printed with console goes to standard error", async () => {
  const { child, output, ended } = await start("console");
  child.stdin.end();
  await ended;
  expect(output.stdout).toBe("late answer\nxxxxxxxxxx\n");
  for (const text of ["log", "info", "debug", "│ 1 │", "{ b: 2 }", "group", "error"]) {
    expect(output.stderr).toContain(text);
  }
});
