import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { restoreGuide } from "../../src/download/restore-guide.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { simulatorFor, temporaryFolder } from "../fixtures.ts";
import { bash, COMMANDS, ELSEWHERE } from "./commands.ts";
import { commandsOf, PAGES, pageOf } from "./pages.ts";

test("every exception matches a command of the pages", () => {
  expect(ELSEWHERE.filter(([pattern]) => !COMMANDS.some((line) => pattern.test(line)))).toEqual([]);
});

test("every npm script that the pages name is one of the package", () => {
  const named = PAGES.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name));
  expect([...new Set(named)].filter((name) => !Object.hasOwn(packageJson.scripts, name))).toEqual([]);
});

test("the secret's file holds what was typed and is readable by its owner only", { tags: "shell" }, async () => {
  const home = await temporaryFolder();
  const line = commandsOf(pageOf("docs/setup.md")).find((command) => command.startsWith("(umask")) ?? "";
  expect(await bash(line, { env: { HOME: home }, input: "mdb_sa_sk_1234567890\n" })).toMatchObject({ exitCode: 0 });
  const file = join(home, ".atlas-flex-secret");
  expect(await readFile(file, "utf8")).toBe("mdb_sa_sk_1234567890");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("README, setup and troubleshooting have a command that checks the reader's credentials", {
  tags: "shell",
}, async () => {
  const simulator = await simulatorFor();
  const home = await temporaryFolder();
  const secret = join(home, ".atlas-flex-secret");
  await writeFile(secret, SIMULATED.clientSecret, { mode: 0o600 });
  for (const path of ["README.md", "docs/setup.md", "docs/troubleshooting.md"]) {
    const line = commandsOf(pageOf(path)).find((command) => /^MONGODB_ATLAS_CLIENT_ID=.* check$/.test(command)) ?? "";
    const own = line.replace("mdb_sa_id_…", SIMULATED.clientId).replace("/path/to/secret", secret);
    const env = { HOME: home, MONGODB_ATLAS_BASE_URL: simulator.baseUrl };
    expect(await bash(own, { env }), path).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("Atlas accepts it"),
    });
  }
});

test("the commands of the restore page are those in the answer of a tool", () => {
  const answers = (platform: NodeJS.Platform, folder: string) =>
    [
      restoreGuide(
        { kind: "data-directory", folderDepth: 0, unpackedBytes: 1 },
        { platform, path: `${folder}orders-20261122T0301Z-5fa1000000000000000000c8.tgz` },
      ),
      restoreGuide(
        { kind: "mongodump-archive", unpackedBytes: 1 },
        { platform, path: `${folder}reports-20261122T0301Z-5fa1000000000000000002c2.tgz` },
      ),
    ].flatMap((guide) => guide?.commands ?? []);
  const onPage = (language: string) =>
    commandsOf(pageOf("docs/restore.md"), language).filter(
      (line) => !/^(gzip|sha256sum|docker|\(Get-FileHash) /.test(line),
    );
  expect(onPage("sh")).toEqual(answers("linux", "/backups/"));
  expect(onPage("powershell")).toEqual(answers("win32", "C:\\backups\\"));
});
