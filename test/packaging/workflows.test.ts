import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
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
  expect(packageJson.engines.node).toMatch(/^>=20\./);
});

/** A job of a workflow: of each step, what it runs or uses. */
const Job = z.object({
  uses: z.string().optional(),
  needs: z.string().optional(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.enum(["read", "write"])).optional(),
  steps: z.array(z.object({ uses: z.string().optional(), run: z.string().optional() })).default([]),
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
    expect(commands[0]).toBe("sha256sum --check *.sha256");
    for (const command of commands) expect(command).toMatch(/^(sha256sum --check|npm publish|gh release create) /);
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
    expect(commands).toContain("npm ci --ignore-scripts");
  });
});
