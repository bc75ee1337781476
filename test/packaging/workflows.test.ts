import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { temporaryFolder } from "../fixtures.ts";
import { ROOT } from "./manifest.ts";

const folder = join(ROOT, ".github/workflows");
const workflows = readdirSync(folder).map((file) => ({ file, text: readFileSync(join(folder, file), "utf8") }));

function workflow(name: string): string {
  return workflows.find(({ file }) => file === name)?.text ?? "";
}

test("there are workflows to check", () => {
  expect(workflows.map(({ file }) => file)).toEqual(expect.arrayContaining(["ci.yml", "release.yml"]));
});

describe.each(workflows)("$file", ({ text }) => {
  test("pins every external action to a commit and names its version", () => {
    const uses = [...text.matchAll(/^\s*(?:- )?uses:\s*(.*?)\r?$/gm)].map(([, action = ""]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses)
      expect(action).toMatch(/^(\.\/\.github\/workflows\/[a-z]+\.yml|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
  });

  test("has only read permission by default", () => {
    expect(text).toMatch(/^permissions:\r?\n {2}contents: read\r?\n\r?$/m);
    expect(text).not.toMatch(/write-all|secrets\./);
  });

  test("runs only scripts that the package has", () => {
    for (const [, script = ""] of text.matchAll(/npm run ([\w:-]+)/g))
      expect(packageJson.scripts).toHaveProperty([script]);
  });

  test("never inserts an expression into a shell command", () => {
    for (const [, command = ""] of text.matchAll(/\brun: (.*)$/gm)) expect(command).not.toContain("${{");
  });
});

test("CI tests every system and Node version that the package claims", () => {
  const matrix = (key: string) => new RegExp(`^ +${key}: \\[(.*)\\]`, "m").exec(workflow("ci.yml"))?.[1]?.split(", ");
  expect(matrix("os")).toEqual(["ubuntu-latest", "macos-latest", "windows-latest"]);
  expect(matrix("node")).toEqual(["20", "22", "24", "26"]);
  expect(packageJson.engines.node).toBe(">=20.18.1 <21 || >=22.3.0");
});

/** A job of a workflow: of each step, what it runs or uses. */
const Job = z.object({
  uses: z.string().optional(),
  needs: z.string().optional(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.enum(["read", "write"])).optional(),
  outputs: z.record(z.string(), z.string()).optional(),
  steps: z
    .array(
      z.object({
        uses: z.string().optional(),
        run: z.string().optional(),
        env: z.record(z.string(), z.string()).optional(),
      }),
    )
    .default([]),
});
const jobsOf = (name: string) => z.object({ jobs: z.record(z.string(), Job) }).parse(parse(workflow(name))).jobs;
const commandsOf = (job: z.infer<typeof Job> | undefined) => (job?.steps ?? []).flatMap(({ run }) => run ?? []);

describe("a release", () => {
  const jobs = jobsOf("release.yml");
  const { pack, publish, ...others } = jobs;

  test("only publishing may write or has an identity, and no job of the tests does", () => {
    expect(pack?.permissions).toEqual({ contents: "read" });
    for (const job of [...Object.values(others), ...Object.values(jobsOf("ci.yml"))])
      expect(Object.values(job.permissions ?? {})).not.toContain("write");
    expect(publish?.permissions).toEqual({ contents: "write", "id-token": "write", attestations: "write" });
  });

  test("packing follows the tests, and publishing follows packing, in an environment that can be protected", () => {
    expect([pack?.needs, publish?.needs, publish?.environment]).toEqual(["test", "pack", "release"]);
    expect(others.test?.uses).toBe("./.github/workflows/ci.yml");
  });

  test("publishing gets the packed files, checks their sums, and runs nothing of the repository", () => {
    expect(publish?.steps[0]?.uses).toMatch(/^actions\/download-artifact@/);
    const uses = publish?.steps.flatMap((step) => step.uses?.split("@")[0] ?? []);
    expect(uses).not.toContain("actions/checkout");
    const commands = commandsOf(publish);
    for (const command of commands.slice(1)) expect(command).toMatch(/^(npm publish|gh release create) /);
    expect(commands.find((command) => command.startsWith("npm"))).toMatch(/ --provenance .*--ignore-scripts$/);
  });

  test("packing refuses a tag that is not on main or not the version, and a package without its owner", () => {
    const commands = commandsOf(pack);
    const before = commands
      .slice(
        0,
        commands.findIndex((command) => command.startsWith("npm ci")),
      )
      .join("\n");
    expect(before).toContain('git merge-base --is-ancestor "$GITHUB_SHA" refs/remotes/origin/main');
    expect(before).toContain('= "$GITHUB_REF_NAME"');
    expect(before).toContain("grep -n OWNER package.json server.json");
    expect(before).toContain('"./package.json").repository.url');
    expect(commands).toContain("npm ci --ignore-scripts");
  });

  /** Runs a step's command as the workflow does, in a folder with these files. */
  async function stepIn(files: Record<string, string>, command: string, env: Record<string, string> = {}) {
    const cwd = await temporaryFolder();
    for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
    return spawnSync("bash", ["-e", "-c", command], { cwd, env: { PATH: process.env.PATH, ...env } }).status;
  }
  const stepWith = (job: z.infer<typeof Job> | undefined, words: string) =>
    commandsOf(job).find((command) => command.includes(words)) ?? "exit 99";

  test("a placeholder for the owner is refused in either file, and so is a file that is missing", {
    tags: "shell",
  }, async () => {
    const step = stepWith(pack, "OWNER");
    expect(await stepIn({ "package.json": "{}", "server.json": "{}" }, step)).toBe(0);
    expect(await stepIn({ "package.json": "{}", "server.json": "OWNER" }, step)).toBe(1);
    expect(await stepIn({ "package.json": "{}" }, step)).toBe(1);
  });

  test("the package must name the repository in which it is released", { tags: "shell" }, async () => {
    const step = stepWith(pack, "repository.url");
    const GITHUB_REPOSITORY = "ann/server";
    const naming = (url: string) => ({ "package.json": JSON.stringify({ repository: { url } }) });
    expect(await stepIn(naming("git+https://github.com/ann/server.git"), step, { GITHUB_REPOSITORY })).toBe(0);
    expect(await stepIn(naming("git+https://github.com/bob/server.git"), step, { GITHUB_REPOSITORY })).toBe(1);
    expect(await stepIn({ "package.json": "{}" }, step, { GITHUB_REPOSITORY })).toBe(1);
  });

  test("exactly one bundle and one package are packed", { tags: "shell" }, async () => {
    const step = stepWith(pack, "wc -l");
    expect(await stepIn({ "a.mcpb": "", "a.tgz": "" }, step)).toBe(0);
    expect(await stepIn({ "a.mcpb": "", "a.tgz": "", "b.tgz": "" }, step)).toBe(1);
    expect(await stepIn({ "a.tgz": "" }, step)).not.toBe(0);
  });

  test("only files with the digests of the packing job are published", { tags: "shell" }, async () => {
    expect(pack?.outputs).toEqual({ digests: "${{ steps.digests.outputs.digests }}" });
    const check = publish?.steps[1];
    expect(check?.env).toEqual({ DIGESTS: "${{ needs.pack.outputs.digests }}" });
    const files = { "a.mcpb": "bundle", "a.tgz": "package" };
    const digest = (text: string) => createHash("sha256").update(text).digest("hex");
    const DIGESTS = Object.entries(files)
      .map(([name, text]) => `${digest(text)}  ${name}`)
      .join("\n");
    const step = check?.run ?? "";
    expect(await stepIn(files, step, { DIGESTS })).toBe(0);
    expect(await stepIn({ ...files, "a.tgz": "other" }, step, { DIGESTS })).not.toBe(0);
    expect(await stepIn({ ...files, "b.tgz": "other" }, step, { DIGESTS })).not.toBe(0);
    expect(await stepIn(files, step, { DIGESTS: "" })).not.toBe(0);
  });
});
