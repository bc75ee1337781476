// A process that does nothing but end. It reports each step on standard error, one JSON text per line.
import { keepConsoleOffStdout, runUntilEnd } from "../../../src/protocol/lifecycle.ts";

const tell = (event: object) => process.stderr.write(`${JSON.stringify(event)}\n`);
const behaviour = process.argv[2];
keepConsoleOffStdout(console, process.stderr);
const never = new Promise<void>(() => undefined);
const soon = (value: string) => new Promise<string>((resolve) => setTimeout(() => resolve(value), 100));

const end = runUntilEnd({
  settle: async () => {
    if (behaviour === "unsettled") await never;
    process.stdout.write(`${await soon("late answer")}\n`);
  },
  onEnd: async (reason) => {
    tell({ reason });
    if (behaviour === "hanging end") await never;
    if (behaviour === "failing end") throw new Error("revocation failed");
    tell({ closed: await soon("all") });
    process.stdout.write(`${"x".repeat(behaviour?.startsWith("large output") ? 4_000_000 : 10)}\n`);
  },
  report: (fault, error) => tell({ fault, error: String(error) }),
  limitMs: behaviour === "hanging end" || behaviour === "large output, short limit" ? 300 : 20_000,
  graceMs: behaviour === "unsettled" ? 300 : 20_000,
});

process.stdin.resume();
// A timer keeps the process alive after its input ended, as live sockets do in the real server.
setInterval(() => undefined, 60_000);
if (behaviour === "console") {
  console.log("log");
  console.info("info");
  console.debug("debug");
  console.table([{ a: 1 }]);
  console.dir({ b: 2 });
  console.group("group");
  console.error("error");
}
if (behaviour === "rejection") Promise.reject(new Error("nobody waits"));
if (behaviour === "exception") setTimeout(() => JSON.parse("{"), 10);
if (behaviour === "transport") void end("transport-closed");
if (behaviour === "chatter") setInterval(() => process.stdout.write("x\n"), 10);
tell({ ready: true });
