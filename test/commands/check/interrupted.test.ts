import { expect, test, vi } from "vitest";
import { SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { startCheck } from "./checked.ts";

test.each([
  ["as text", []],
  ["as JSON", ["--json"]],
])("Ctrl-C ends a check that waits for Atlas, gives the token back and is no success (%s)", async (_, args) => {
  const simulator = await simulatorFor({ orders: "listFlexClusters=hang" });
  const env = { MONGODB_ATLAS_BASE_URL: simulator.baseUrl, ...SERVICE_ACCOUNT };
  const { child, ended } = await startCheck({ args, env });
  await vi.waitFor(() => expect(simulator.count("listFlexClusters")).toBeGreaterThan(0), { timeout: 10_000 });
  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toBe("Interrupted.\n");
  expect(simulator.count("revoke")).toBe(1);
  if (args.length === 0) {
    expect(stdout).toMatch(/✓ Projects +2 projects/);
    expect(stdout).not.toContain("Flex clusters");
    return;
  }
  const { ok, steps } = JSON.parse(stdout);
  expect(ok).toBe(false);
  expect(steps.at(-1)).toMatchObject({ id: "projects", state: "ok" });
});

test("a reader that goes away ends the check in order too", async () => {
  const simulator = await simulatorFor({ orders: "listSnapshots=slow-headers@500" });
  const { child, ended } = await startCheck({ env: { MONGODB_ATLAS_BASE_URL: simulator.baseUrl, ...SERVICE_ACCOUNT } });
  child.stdout.once("data", () => child.stdout.destroy());
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toBe("Interrupted.\n");
  expect(simulator.count("revoke")).toBe(simulator.count("token"));
});
