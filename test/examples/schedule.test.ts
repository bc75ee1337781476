import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse as parsePlist } from "plist";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import * as z from "zod";
import { VARIABLES } from "../../src/config/variables.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { bash } from "../docs/commands.ts";
import { commandsOf, pageOf, ROOT } from "../docs/pages.ts";
import { BUILT, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { entriesOf, unitOf } from "./formats.ts";

const FOLDER = join(ROOT, "examples/schedule");
const FILES = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), "utf8") }));
const page = pageOf("docs/schedule.md");

function textOf(name: string): string {
  const file = FILES.find((candidate) => candidate.name === name);
  if (!file) throw new Error(`There is no example ${name}`);
  return file.text;
}

/** A file without its comments. */
const codeOf = (text: string) => text.replace(/^\s*#.*$/gm, "").replace(/<!--[\s\S]*?-->/g, "");

/** What the page and the files pass to the server: `save …` and `status …`. */
const CALLS = [...FILES, { name: page.path, text: page.text }].flatMap(({ name, text }) => [
  ...[...codeOf(text).matchAll(/(?:atlas-flex-snapshots-mcp\.js"?|['`])\s?((?:save|status) [^>`'\n]*)/g)].map(
    ([, call = ""]) => ({ name, call }),
  ),
  ...[...codeOf(text).matchAll(/nightly\.sh ([^>\n]*)/g)].map(([, words]) => ({ name, call: `save ${words}` })),
]);

test("the page names every file of examples/schedule", () => {
  expect(FILES.filter(({ name }) => !page.text.includes(name))).toEqual([]);
});

test("each command and option of the examples and the page is one of the built server", () => {
  const { stdout: help } = spawnSync(process.execPath, [BUILT, "--help"], { encoding: "utf8" });
  expect(new Set(CALLS.map(({ call }) => call.split(" ")[0]))).toEqual(new Set(["save", "status"]));
  for (const { name, call } of CALLS) {
    expect(help, name).toMatch(new RegExp(`^ +atlas-flex-snapshots-mcp ${call.split(" ")[0]} `, "m"));
    for (const option of call.match(/(?<= )--[a-z-]+/g) ?? [])
      expect(help, `${name}: ${call}`).toMatch(new RegExp(`^ +${option}\\b`, "m"));
  }
  const alone = [...page.text.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option);
  for (const option of alone) expect(help, option).toMatch(new RegExp(`^ +${option}\\b`, "m"));
});

test("the built server takes each form for several clusters that the page shows, and status has no --all", async () => {
  const forms = [...page.text.matchAll(/`((?:save|status) [^`]*\bcustomers\b[^`]*|save --all)`/g)];
  expect(forms).toHaveLength(4);
  const env = { ...process.env, ATLAS_FLEX_SIMULATOR_BYTES: "300000" };
  const options = ["--simulate", "--download-dir", await temporaryFolder()];
  const run = (line: string) =>
    spawnSync(process.execPath, [BUILT, ...line.split(" "), ...options], { env, encoding: "utf8" });
  for (const [, form = ""] of forms) {
    const { stdout } = run(form);
    for (const name of ["orders", "customers"]) expect(stdout, form).toContain(name);
  }
  expect(run("status --all").status).toBe(2);
});

test("the page's lines for cron check and save with its settings", { tags: "shell" }, async () => {
  const simulator = await simulatorFor({ snapshotBytes: 300_000, jobMs: 0 });
  const home = await temporaryFolder();
  const crontab = join(home, "crontab");
  await writeFile(join(home, "secret"), SIMULATED.clientSecret, { mode: 0o600 });
  const settings = textOf("crontab")
    .replace("PATH=", `PATH=${dirname(process.execPath)}:`)
    .replace("HOME=/var/lib/atlas-flex", `HOME=${home}`)
    .replace("you@example.com", "you@example.com, me@example.com")
    .replace("mdb_sa_id_…", `${SIMULATED.clientId}\nMONGODB_ATLAS_BASE_URL=${simulator.baseUrl}`)
    .replace("/etc/atlas-flex/client-secret", join(home, "secret"))
    .replace(/^HEALTH_CHECK_URL=.*\n/m, "");
  await writeFile(crontab, settings);
  const lines = commandsOf(page).filter((line) => line.includes("env $(grep "));
  expect(lines).toHaveLength(2);
  for (const [index, words] of [
    "Everything that could be tried works.",
    "save ended with exit code 0 (try 1 of 4).",
  ].entries()) {
    const line = (lines[index] ?? "")
      .replace("sudo -u atlas-flex ", "")
      .replace("/etc/cron.d/atlas-flex", crontab)
      .replaceAll("/opt/atlas-flex-snapshots-mcp", ROOT);
    const outcome = await bash(line);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(words) });
  }
});

test("each variable of this server in the examples is one that it reads", () => {
  const known = VARIABLES.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]));
  for (const { name, text } of FILES) {
    const words = [...text.matchAll(/\b(?:MONGODB_ATLAS|ATLAS_FLEX)_[A-Z_]+\b/g)].map(([word]) => word);
    expect(
      words.filter((word) => !known.includes(word)),
      name,
    ).toEqual([]);
  }
});

test("each path into the clone is one of the clone, and the script that schedulers start is executable", () => {
  for (const { name, text } of [...FILES, { name: page.path, text: page.text }]) {
    const paths = [...text.matchAll(/(?:\/opt|\/Users\/you|~)\/atlas-flex-snapshots-mcp\/([\w./-]+\w)/g)];
    for (const [, path = ""] of paths) {
      const isPattern = !existsSync(join(ROOT, path)) && path.endsWith("atlas-flex");
      expect(isPattern || existsSync(join(ROOT, path)), `${name}: ${path}`).toBe(true);
    }
  }
  if (process.platform !== "win32") expect(statSync(join(FOLDER, "nightly.sh")).mode & 0o111).toBe(0o111);
});

test.each(["orders", "mdb_sa_id_…", "health.example.com", "/Users/you", "OWNER", "COMMIT", "14"])(
  "the page says what to do with the placeholder %s, and a file has it",
  (placeholder) => {
    expect(page.prose).toContain(placeholder);
    expect(FILES.some(({ text }) => codeOf(text).includes(placeholder))).toBe(true);
  },
);

test("no example holds a secret, and each secret's file is where the page puts it", () => {
  for (const { name, text } of FILES) {
    const values = [...text.matchAll(/_(?:SECRET|KEY|TOKEN)\s*[=:]\s*(.*)/g)].map(([, value]) => value);
    expect(
      values.filter((value) => !value?.startsWith("${{ secrets.")),
      name,
    ).toEqual([]);
  }
  const onPage = "/etc/atlas-flex/client-secret";
  expect(page.text).toContain(onPage);
  expect(textOf("crontab")).toContain(`_FILE=${onPage}\n`);
  expect(textOf("atlas-flex-save.service")).toContain(`LoadCredential=client-secret:${onPage}\n`);
  expect(textOf("com.example.atlas-flex.plist")).toContain("<string>/Users/you/.atlas-flex-secret</string>");
  expect(textOf("nightly.ps1")).toContain("\\.atlas-flex-secret");
});

describe("the crontab", () => {
  const text = textOf("crontab");

  test("has lines of Debian's form only: settings, times with the account, and a line end at the end", () => {
    expect(text).toMatch(/\n$/);
    const { settings, entries } = entriesOf(text);
    expect(settings).toMatchObject({ SHELL: "/bin/sh", HOME: "/var/lib/atlas-flex" });
    expect(entries.map(({ times, user }) => `${times} ${user}`)).toEqual([
      "17 5 * * * atlas-flex",
      "30 8 * * * atlas-flex",
    ]);
  });

  test("has a line for the drill that is switched off until somebody removes its first character", () => {
    const entries = entriesOf(text.replace(/^#(?=\d)/m, "")).entries.map(({ times, command }) => `${times} ${command}`);
    expect(entries).toHaveLength(3);
    expect(entries[2]).toMatch(/^45 9 1 \* \* node \/opt\/\S+\/restore-drill\.mjs orders /);
  });

  test("and the page warn of a line without a value, of which cron makes an error in the file", () => {
    expect(() => entriesOf(text.replace(/^(HEALTH_CHECK_URL=).*$/m, "$1"))).toThrow("HEALTH_CHECK_URL=");
    expect(text).toContain("a line without a value (NAME=), cron ignores this whole file");
    expect(page.prose).toMatch(/`HEALTH_CHECK_URL=`, Debian's cron ignores the whole file/);
  });

  test("has no percent sign, which cron takes for a line end, and no setting that needs the shell", () => {
    const { settings, entries } = entriesOf(text);
    for (const { command } of entries) expect(command).not.toContain("%");
    for (const value of Object.values(settings)) expect(value).not.toMatch(/[$~]/);
  });
});

describe("the systemd units", () => {
  const save = unitOf(textOf("atlas-flex-save.service")).Service ?? {};
  const drill = unitOf(textOf("atlas-flex-drill.service")).Service ?? {};

  test("give the service its secret as a credential of the same name", () => {
    const [name] = save.LoadCredential?.[0]?.split(":") ?? [];
    expect(save.Environment).toContain(`MONGODB_ATLAS_CLIENT_SECRET_FILE=%d/${name}`);
    expect(drill.LoadCredential).toBeUndefined();
  });

  test("start save again after 75, not after 1 or 2, and tell the health check after a success only", () => {
    expect(save).toMatchObject({ Type: ["oneshot"], Restart: ["on-failure"], RestartPreventExitStatus: ["1 2"] });
    expect(save.ExecStartPost).toEqual([expect.stringMatching(/^-\/usr\/bin\/curl --fail .* https:\S+$/)]);
  });

  test("that name a cluster or hold a placeholder are all opened in an editor by the page", () => {
    const opened = commandsOf(page).find((line) => line.startsWith("sudoedit /etc/systemd/"));
    const names = FILES.filter(({ name, text }) => name.startsWith("atlas-flex-") && /\borders\b|…/.test(text));
    expect(names).toHaveLength(2);
    for (const { name } of names) expect(opened?.split(" ")).toContain(`/etc/systemd/system/${name}`);
  });

  test("leave Node.js what it needs: memory that is made executable", () => {
    for (const service of [save, drill]) expect(service).not.toHaveProperty("MemoryDenyWriteExecute");
  });

  test.each(["save", "drill"])("have a timer for %s that makes up for a missed run", (name) => {
    const timer = unitOf(textOf(`atlas-flex-${name}.timer`));
    expect(timer).toMatchObject({
      Timer: { OnCalendar: [expect.any(String)], Persistent: ["true"] },
      Install: { WantedBy: ["timers.target"] },
    });
    expect(page.text).toContain(`sudo systemctl enable --now atlas-flex-${name}.timer`);
  });
});

test("the launchd agent is a property list that starts nightly.sh at one time a day", () => {
  const agent = z
    .strictObject({
      Label: z.literal("com.example.atlas-flex"),
      ProgramArguments: z.array(z.string()),
      EnvironmentVariables: z.record(z.string(), z.string()),
      StartCalendarInterval: z.strictObject({ Hour: z.int().max(23), Minute: z.int().max(59) }),
      StandardOutPath: z.string().startsWith("/"),
      StandardErrorPath: z.string().startsWith("/"),
      ProcessType: z.literal("Background"),
    })
    .parse(parsePlist(textOf("com.example.atlas-flex.plist")));
  expect(agent.ProgramArguments.slice(0, 3)).toEqual([
    "/bin/sh",
    "/Users/you/atlas-flex-snapshots-mcp/examples/schedule/nightly.sh",
    "orders",
  ]);
  for (const value of Object.values(agent.EnvironmentVariables)) expect(value).not.toMatch(/[$~]/);
});

test("the script for Task Scheduler is in ASCII, which every PowerShell reads, and its brackets close", () => {
  const text = textOf("nightly.ps1");
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  const code = codeOf(text).replace(/'[^'\n]*'|"(?:`.|[^"`\n])*"/g, "");
  expect(code).not.toMatch(/['"]/);
  for (const [open, close] of ["()", "{}", "[]"])
    expect(code.split(open ?? "").length).toBe(code.split(close ?? "").length);
  expect(text).toContain("-StartWhenAvailable");
});

test("the script for Task Scheduler writes of its tries what nightly.sh writes", () => {
  const said = (name: string) =>
    textOf(name)
      .replaceAll("$($try + 1)", "$try")
      .match(/save ended with [^"]*|\$ended Try [^"]*|\btry \$try of [^")]*(?=")/g);
  expect(said("nightly.sh")).toHaveLength(3);
  expect(said("nightly.ps1")).toEqual(said("nightly.sh"));
});

test("the page has the log of Task Scheduler shown as UTF-8, which save writes and Windows PowerShell does not expect", () => {
  const shown = commandsOf(page, "powershell").filter((line) => line.startsWith("Get-Content "));
  expect(shown).toEqual([expect.stringMatching(/atlas-flex\.log" .*-Encoding UTF8$/)]);
});

describe("the workflow", () => {
  const text = textOf("github-actions.yml");
  const Step = z.strictObject({
    name: z.string().optional(),
    uses: z.string().optional(),
    run: z.string().optional(),
    with: z.record(z.string(), z.unknown()).optional(),
    env: z.record(z.string(), z.string()).optional(),
  });
  const { permissions, jobs } = z
    .looseObject({
      permissions: z.strictObject({}),
      jobs: z.strictObject({ save: z.looseObject({ steps: z.array(Step) }) }),
    })
    .parse(parseYaml(text));
  const { steps } = jobs.save;

  test("has no permission, and pins every action to the commit that this repository's workflows pin", () => {
    expect(permissions).toEqual({});
    const ours = readFileSync(join(ROOT, ".github/workflows/ci.yml"), "utf8");
    for (const { uses } of steps.filter((step) => step.uses !== undefined)) {
      expect(uses).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
      if (!uses?.startsWith("actions/upload-artifact@")) expect(ours).toContain(uses);
    }
    expect(text.match(/uses: .*/g)?.every((line) => / # v\d+\.\d+\.\d+$/.test(line))).toBe(true);
  });

  test("shows a secret only to the step that needs it", () => {
    const holders = steps.filter((step) => JSON.stringify(step).includes("secrets."));
    expect(holders.map(({ name }) => name)).toEqual(["Save", "Tell the health check"]);
    for (const { run } of steps) expect(run ?? "").not.toContain("${{");
  });

  test("builds from the lockfile without scripts of packages, and never runs a package by its name", () => {
    expect(steps.map(({ run }) => run)).toEqual(expect.arrayContaining(["npm ci --ignore-scripts", "npm run build"]));
    expect(text).not.toContain("npx");
  });

  test("encrypts, uploads only what is encrypted, and then tells the health check", () => {
    const order = steps.map(({ name, uses }) => name ?? uses?.split("@")[0]).slice(-4);
    expect(order).toEqual(["Save", "Encrypt", "actions/upload-artifact", "Tell the health check"]);
    const upload = steps.find(({ uses }) => uses?.startsWith("actions/upload-artifact@"));
    expect(upload?.with?.path).toBe("${{ runner.temp }}/encrypted/*.age");
    expect(steps.filter((step) => JSON.stringify(step).includes("always()"))).toEqual([]);
  });
});
