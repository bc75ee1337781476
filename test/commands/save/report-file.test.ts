import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
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

  test("in a folder that is not there is wrong usage", async () => {
    const folder = resolve("/no/such");
    const { code, stderr } = await runCommand({
      args: ["save", "orders", "--simulate", "--report", join(folder, "r.md")],
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: `There is no folder "${folder}" for the report.\n` });
  });
});
