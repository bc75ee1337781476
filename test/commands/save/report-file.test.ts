import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { createReportFile } from "../../../src/commands/save/report-file.ts";
import { ownFailure } from "../../../src/core/errors.ts";
import { createLog } from "../../../src/core/logger.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { simulatorFor, temporaryFolder } from "../../fixtures.ts";
import { lacks } from "../../platform.ts";
import { at, runCommand } from "../command.ts";

const quick = (orders = "") => simulatorFor({ snapshotBytes: 2 * 1024 ** 2, jobMs: 100, orders });

describe("save --report", () => {
  test("shows the report on the screen, then writes it for this user only", async () => {
    const simulator = await quick("file=cut@1MiB*1");
    const home = await temporaryFolder();
    const file = join(home, "report.md");
    const args = ["save", "orders", "--report", file, "--json"];
    const { code, stdout, stderr } = await runCommand({ args, env: at(simulator), home });
    expect(code).toBe(0);
    const text = await readFile(file, "utf8");
    expect(stderr).toContain(`\n${text}\nThe report is in ${file}. Read it before you send it to anybody.\n`);
    if (!lacks("modes")) expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(text).toContain("Node.js v");
    expect(text).not.toContain("A line was removed");
    expect(text).toContain("Asked for the rest (Range, If-Range): 206");
  });

  test("holds no id, name, link, address or credential of the run", async () => {
    const simulator = await quick();
    const home = await temporaryFolder();
    const file = join(home, "report.md");
    await runCommand({ args: ["save", "orders", "--report", file], env: at(simulator), home });
    const text = await readFile(file, "utf8");
    const links = simulator.requests.flatMap(({ path }) => path.split(/[/?&=]/)).filter((piece) => piece.length > 20);
    const secrets = [SIMULATED.clientId, SIMULATED.clientSecret, "127.0.0.1", new URL(simulator.fileBaseUrl).port];
    const files = await readdir(join(home, "snapshots"));
    for (const piece of [...links, ...secrets, ...files, home, "orders", "Simulated shop"])
      expect(text, piece).not.toContain(piece);
    expect(text).not.toMatch(/[0-9a-f]{24}/);
  });

  test("is written also when the save fails, and says how it failed", async () => {
    const simulator = await quick("requestDownload=403:USER_UNAUTHORIZED");
    const home = await temporaryFolder();
    const file = join(home, "report.md");
    const { code } = await runCommand({ args: ["save", "orders", "--report", file], env: at(simulator), home });
    expect(code).toBe(1);
    expect(await readFile(file, "utf8")).toContain("USER_UNAUTHORIZED");
  });

  test("never overwrites a file: that is wrong usage, and nothing is saved", async () => {
    const home = await temporaryFolder();
    const file = join(home, "report.md");
    await writeFile(file, "mine");
    const { code, stderr } = await runCommand({ args: ["save", "orders", "--simulate", "--report", file], home });
    expect(code).toBe(2);
    expect(stderr).toBe(`"${file}" exists already: choose another name for the report.\n`);
    expect(await readFile(file, "utf8")).toBe("mine");
    expect(await readdir(home)).toEqual(["report.md"]);
  });

  test("hides names that were only typed, and those of projects, where no save ended well", async () => {
    const file = join(await temporaryFolder(), "report.md");
    const redactor = createRedactor();
    const screen = new PassThrough();
    const log = createLog({ level: "silent", scrub: redactor.scrub, stderr: screen });
    const options = { clock: systemClock, version: "1.2.3", redactor, isSimulated: true, log };
    const { onExchange, write } = createReportFile(file, options);
    const { signal } = new AbortController();
    const url = new URL("https://cloud.mongodb.com/api/atlas/v2/groups/1/flexClusters");
    const states = ["BLUE_FALCON", "RED_HERON", "WONDER_LAND", "LATER"].map((stateName) => ({ stateName }));
    onExchange({
      request: { method: "GET", url, headers: {}, deadline: 0, signal },
      response: { status: 200, headers: { date: "now" }, json: { results: states } },
      ms: 1,
    });
    const { envelope: failure } = ownFailure("CONNECTION_FAILED");
    const found = { name: "red-heron", project: { id: "1", name: "Wonder Land" } };
    expect(
      await write(
        [
          { name: "blue-falcon", failure },
          { found, isStopped: true },
        ],
        screen,
      ),
    ).toBe(true);
    const text = await readFile(file, "utf8");
    expect(text).not.toMatch(/BLUE|FALCON|HERON|WONDER/);
    expect(text).toContain("LATER once");
  });

  test("in a folder that is not there is wrong usage", async () => {
    const folder = resolve("/no/such");
    const { code, stderr } = await runCommand({
      args: ["save", "orders", "--simulate", "--report", join(folder, "r.md")],
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: `There is no folder "${folder}" for the report.\n` });
  });
});
