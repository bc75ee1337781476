import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { ROOT } from "../docs/pages.ts";
import { simulatorFor, temporaryFolder } from "../fixtures.ts";
import { entriesOf } from "./formats.ts";

const EXAMPLES = join(ROOT, "examples/schedule");
const UNITS = ["save.service", "save.timer", "drill.service", "drill.timer"].map((name) => `atlas-flex-${name}`);

const example = (name: string) => readFile(join(EXAMPLES, name), "utf8");
const inClone = (content: string) => content.replaceAll("/opt/atlas-flex-snapshots-mcp", ROOT);

/** The units in a folder, changed only where this computer has the clone and Node.js. */
async function units(change = (content: string) => content): Promise<string[]> {
  const folder = await temporaryFolder();
  return Promise.all(
    UNITS.map(async (name) => {
      const content = inClone(await example(name)).replaceAll("/usr/bin/node", process.execPath);
      await writeFile(join(folder, name), change(content));
      return join(folder, name);
    }),
  );
}

/** Runs systemd-analyze, which needs no systemd that runs. A problem throws. */
const analyze = (...words: string[]) => promisify(execFile)("systemd-analyze", words);

test("systemd finds nothing to say about the units", async () => {
  expect(await analyze("verify", ...(await units()))).toEqual({ stdout: "", stderr: "" });
});

test("systemd finds fault with units that have a mistake", async () => {
  const paths = await units((content) => content.replace("PrivateTmp=yes", "PrivateTemp=yes"));
  expect((await analyze("verify", ...paths)).stderr).toContain("PrivateTemp");
});

test("systemd rates the exposure of the services as OK", async () => {
  for (const path of (await units()).filter((name) => name.endsWith(".service")))
    expect((await analyze("security", "--offline=true", "--threshold=40", path)).stdout, path).toMatch(/: [\d.]+ OK/);
});

test("systemd understands the times of the timers", async () => {
  for (const path of (await units()).filter((name) => name.endsWith(".timer"))) {
    const [, time = ""] = /^OnCalendar=(.*)$/m.exec(await readFile(path, "utf8")) ?? [];
    expect((await analyze("calendar", time)).stdout, path).toContain("Next elapse: ");
  }
});

/** A health check that counts. */
async function healthCheck() {
  let pings = 0;
  const server = createServer((_, response) => {
    pings += 1;
    response.end("OK");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return { url: `http://127.0.0.1:${address.port}/ping`, pings: () => pings };
}

/** Gives cron a file until the test ends, and starts cron unless it runs. */
async function runCron(crontab: string): Promise<void> {
  const path = `/etc/cron.d/atlas-flex-test-${process.pid}`;
  await writeFile(path, crontab, { mode: 0o644 });
  onTestFinished(() => rm(path));
  const cron = spawn("cron", ["-f"], { stdio: ["ignore", "ignore", "pipe"] });
  const problem = text(cron.stderr);
  const ended = new Promise<string>((resolve) => {
    cron.once("error", ({ message }) => resolve(message));
    cron.once("close", async () => resolve(await problem));
  });
  onTestFinished(async () => {
    cron.kill();
    await ended;
  });
  const early = await Promise.race([ended, new Promise<undefined>((resolve) => setTimeout(resolve, 1_000, undefined))]);
  if (early !== undefined && !early.includes("can't lock")) throw new Error(`cron ended: ${early}`);
}

test("Debian's cron runs the crontab: it saves and tells the health check; what fails is printed", async () => {
  const simulator = await simulatorFor({ snapshotBytes: 300_000, jobMs: 0 });
  const health = await healthCheck();
  const home = await temporaryFolder();
  const secret = join(home, "secret");
  await writeFile(secret, SIMULATED.clientSecret, { mode: 0o600 });
  await mkdir(join(home, "other"));
  const mine = inClone(await example("crontab"))
    .replace("PATH=", `PATH=${dirname(process.execPath)}:`)
    .replace("HOME=/var/lib/atlas-flex", `HOME=${home}`)
    .replace("MAILTO=you@example.com", 'MAILTO=""')
    .replace("mdb_sa_id_…", `${SIMULATED.clientId}\nMONGODB_ATLAS_BASE_URL=${simulator.baseUrl}`)
    .replace("/etc/atlas-flex/client-secret", secret)
    .replace(/^HEALTH_CHECK_URL=.*$/m, `HEALTH_CHECK_URL=${health.url}`)
    .replace(/^[\d*/,-]+ [\d*/,-]+ [\d*/,-]+ \* \* atlas-flex /gm, `* * * * * ${userInfo().username} `)
    // What cron would mail.
    .replace(/(\|\| cat "\$HOME\/(\w+)\.log")$/gm, '$1 >"$HOME/$2.mail"');
  const [save] = entriesOf(mine).entries;
  if (!save) throw new Error("The crontab has no line that saves");
  // The same line for a cluster that does not exist, with files of its own.
  const fails = `${save.times} ${save.user} ${save.command.replace(" orders ", " nosuch ").replaceAll("$HOME/", "$HOME/other/")}\n`;
  await runCron(`${mine}${fails}`);

  const read = async (name: string) => (existsSync(join(home, name)) ? readFile(join(home, name), "utf8") : "");
  const within = { timeout: 150_000, interval: 500 };
  await expect.poll(() => read("save.log"), within).toMatch(/: save ended with exit code 0\.\n$/);
  await expect.poll(health.pings, within).toBeGreaterThan(0);
  await expect.poll(() => read("other/save.mail"), within).toMatch(/nosuch[\s\S]*: save ended with exit code 2\.\n$/);
  await expect.poll(() => read("status.log"), within).toContain("orders");
  await expect.poll(() => read("drill.log"), within).toMatch(/\S/);
  expect(await read("save.mail")).toBe("");
  const saved = await readdir(join(home, "atlas-flex-snapshots"));
  expect(saved.filter((name) => name.endsWith(".tgz"))).toEqual([expect.stringMatching(/^orders-/)]);
});
