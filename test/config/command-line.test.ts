import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { helpText, OPTIONS, parseCommandLine } from "../../src/config/command-line.ts";
import { BUILT } from "../fixtures.ts";

describe("the command line", () => {
  test.each([
    [[], { command: "server", options: {} }],
    [["--simulate", "--read-only"], { command: "server", options: { simulate: true, "read-only": true } }],
    [["-h"], { command: "server", options: { help: true } }],
    [["-v"], { command: "server", options: { version: true } }],
    [["--tools", "a,b"], { command: "server", options: { tools: "a,b" } }],
    [["--tools=a,b"], { command: "server", options: { tools: "a,b" } }],
    [["check", "--json"], { command: "check", options: { json: true } }],
    [["simulator", "--port", "8080"], { command: "simulator", options: { port: "8080" } }],
    [
      ["save", "orders", "shop", "--keep", "3"],
      { command: "save", options: { keep: "3" }, clusters: ["orders", "shop"] },
    ],
    [["status", "--ignore", "a", "--ignore=b,c"], { command: "status", options: { ignore: "a,b,c" } }],
    [["connect", "codex", "--read-only"], { command: "connect", options: { "read-only": true }, client: "codex" }],
    [["connect"], { command: "connect", options: {} }],
    [["--download-dir=-odd-"], { command: "server", options: { "download-dir": "-odd-" } }],
  ])("%j is understood", (argv, expected) => {
    expect(parseCommandLine(argv)).toEqual({ clusters: [], ...expected });
  });

  test.each([
    [["--readonly"], 'Unknown option "--readonly"; did you mean --read-only? See --help.'],
    [["--dowload-dir", "/x"], 'Unknown option "--dowload-dir"; did you mean --download-dir? See --help.'],
    [["check", "--log-levle", "debug"], 'Unknown option "--log-levle"; did you mean --log-level? See --help.'],
    [["--zzzzzzzz"], 'Unknown option "--zzzzzzzz". See --help.'],
    [["-x"], 'Unknown option "-x". See --help.'],
    [["chek"], 'Unknown command "chek"; did you mean check? See --help.'],
    [["check", "simulator"], '"simulator" is one word too many after check. See --help.'],
    [["connect", "claude", "code"], '"code" is one word too many after connect. See --help.'],
    [["--json"], "--json belongs to the commands check, save, status."],
    [["status", "orders"], '"orders" is one word too many after status. See --help.'],
    [["check", "--port", "1"], "--port belongs to the command simulator."],
    [["--tools"], "--tools needs a value: --tools a,b."],
    [["--tools", "--simulate"], "--tools needs a value: --tools a,b."],
    [["--simulate=yes"], "--simulate takes no value."],
    [["--__proto__"], 'Unknown option "--__proto__". See --help.'],
  ])("%j is a usage error", (argv, message) => {
    expect(parseCommandLine(argv)).toEqual({ usageError: expect.stringContaining(message) });
  });

  test.each(["0x50", "1e3", "65536", "-1", "8080x"])("the simulator does not listen at port %s", async (port) => {
    const args = [BUILT, "simulator", `--port=${port}`];
    await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
      code: 2,
      stderr: "--port must be a whole number from 0 (any free port) to 65535.\n",
    });
  });

  test("the help text names the version, every command and every option", () => {
    const text = helpText("9.8.7", "server");
    for (const word of [
      "9.8.7",
      "check",
      "simulator",
      "node dist/atlas-flex-snapshots-mcp.js",
      "docs/setup.md",
      ...Object.keys(OPTIONS).map((name) => `--${name}`),
    ])
      expect(text).toContain(word);
  });

  test("the help text of a command names its own options only, and its exit codes", () => {
    const text = helpText("9.8.7", "status");
    expect(text).toContain("--max-saved-age SPAN");
    expect(text).toContain("--download-dir DIR");
    expect(text).toContain("Exit code: 0 if every backup is recent enough");
    expect(text).not.toMatch(/--keep|--port|only\)|simulator \[/);
  });

  test.each([60, 80, 200])("the help text breaks between words on a terminal of %i columns", (columns) => {
    const most = Math.max(46, Math.min(columns - 1, 110));
    for (const command of ["server", "save"] as const) {
      // A line of usage is one to paste, and stays whole.
      const lines = helpText("9.8.7", command, columns).split("\n");
      const long = lines.filter((line) => line.length > most && !line.startsWith("  atlas-flex-snapshots-mcp"));
      // What stands alone on its line could not be broken.
      expect(long.filter((line) => /\S /.test(line.trim()))).toEqual([]);
    }
  });
});
