import { describe, expect, test, vi } from "vitest";
import { OPTIONS } from "../../../src/config/command-line.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { bash } from "../../docs/commands.ts";
import { BUILT, simulatorFor } from "../../fixtures.ts";
import { complete, type TestCluster } from "../../tools/atlas-of-clusters.ts";
import { at, startCommand } from "../command.ts";
import { looked, lookedAt, shop, shown } from "./looked.ts";

const well: TestCluster = { name: "well", snapshots: [complete(3)] };

describe("--cluster and --ignore", () => {
  test.each([
    [
      ["--cluster", "orders,fresh", "--cluster", "orders"],
      ["orders", "fresh"],
    ],
    [
      ["--cluster", "reports"],
      ["reports", "reports"],
    ],
    [["--ignore", "orders", "--ignore", "fresh, reports"], ["customers"]],
    [["--cluster", "orders", "--ignore", "fresh"], ["orders"]],
  ])("%j look at %j", async (args, names) => {
    const simulator = await simulatorFor();
    expect(await looked({ env: at(simulator), args })).toMatchObject({ code: 0, names, stderr: "" });
    expect(simulator.count("listSnapshots")).toBe(names.length);
  });

  test("alarm of a cluster that does not exist any more, once, with the name that may be meant", async () => {
    const env = at(await simulatorFor());
    const args = ["--cluster", "ordres,orders", "--cluster", "ordres"];
    const { code, names, wrong } = await looked({ env, args });
    expect({ code, names }).toEqual({ code: 1, names: ["orders"] });
    expect(wrong).toEqual(["There is no Flex cluster named ordres. Did you mean orders?"]);
    expect((await shown({ env, args })).stdout).toMatch(/^✗ There is no Flex cluster named ordres\./);
    expect((await looked({ env, args: ["--cluster", "warehouse"] })).code).toBe(1);
  });

  test("say of a missing cluster where it was looked for", async () => {
    const simulator = await simulatorFor();
    const scoped = { ...at(simulator), ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.groupId };
    expect((await looked({ env: scoped, args: ["--cluster", "billing"] })).wrong).toEqual([
      "There is no Flex cluster named billing in the projects that ATLAS_FLEX_ALLOWED_PROJECTS names.",
    ]);
    const partly = await lookedAt([...shop(well), { name: "Closed", clusters: 403 }], {
      args: ["--cluster", "billing"],
    });
    expect(partly.wrong[0]).toBe("There is no Flex cluster named billing in what could be read.");
  });

  test("tell of an unknown name to ignore on stderr, and do not fail for it", async () => {
    const { code, stderr } = await looked({ env: at(await simulatorFor()), args: ["--ignore", "ordres"] });
    expect(code).toBe(0);
    expect(stderr).toBe("! --ignore: There is no Flex cluster named ordres. Did you mean orders?\n");
  });

  test("fail where nothing is left to look at", async () => {
    const { code, wrong } = await lookedAt(shop(well), { args: ["--ignore", "well"] });
    expect({ code, wrong }).toEqual({ code: 1, wrong: ["Every Flex cluster is ignored, so no backup was looked at."] });
  });
});

test.each([
  [["--max-age", "26"], "--max-age must be a time such as 26h, 2d or 90m."],
  [["--max-age", "0h"], "--max-age must be"],
  [["--max-age", "1w"], "--max-age must be"],
  [["--max-saved-age=x"], "--max-saved-age must be"],
  [["--cluster", "a b"], "--cluster and --ignore take names"],
  [["--ignore", "a,,b"], "--cluster and --ignore take names"],
  [["--cluster", "a,b", "--ignore", "b"], "--cluster and --ignore both name b."],
  [["--max-age"], "--max-age needs a value"],
  [["orders"], "one word too many"],
  [["--all"], "--all belongs to the command"],
])("wrong usage (%j) ends with 2 and the reason on stderr, before anything is sent", async (args, reason) => {
  const simulator = await simulatorFor();
  const { code, stdout, stderr } = await shown({ env: at(simulator), args });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(reason);
  expect(simulator.requests).toEqual([]);
});

test("every option of its own is tried here", () => {
  const own = Object.entries(OPTIONS).filter(([, { only }]) => only?.includes("status"));
  expect(own.map(([name]) => name)).toEqual(["max-age", "max-saved-age", "cluster", "ignore", "json"]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "%s ends a look that waits for Atlas, revokes the token and exits with %i",
  { tags: "signals" },
  async (signal, expected) => {
    const simulator = await simulatorFor({ orders: "listSnapshots=hang" });
    const { child, ended } = await startCommand({ args: ["status", "--json"], env: at(simulator) });
    await vi.waitFor(() => expect(simulator.count("listSnapshots")).toBeGreaterThan(0), { timeout: 10_000 });
    child.kill(signal);
    expect(await ended).toMatchObject({ code: expected, stdout: "", stderr: "Interrupted.\n" });
    expect(simulator.count("revoke")).toBe(1);
  },
);

test.each([
  ["the end of its input", "<&-", /^✓ All 5 clusters are well in Atlas\. 4 have no file here\.\n/],
  ["a reader that takes one line", "| head -1", /^✓ All 5 clusters are well in Atlas\. 4 have no file here\.\n/],
  ["a reader that has gone", "| true", /^$/],
  ["an output that is closed from the start", ">&-", /^$/],
])("%s does not change its exit code", { tags: "shell" }, async (_, redirection, shown) => {
  const line = `set -o pipefail; '${process.execPath}' '${BUILT}' status --simulate ${redirection}`;
  const { exitCode, stdout, stderr } = await bash(line, { env: { HOME: "/nonexistent" } });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(shown);
});
