import { expect, onTestFinished, test } from "vitest";
import { openAtlas } from "../../../src/atlas/access.ts";
import { flexClusters, lookForClusters } from "../../../src/commands/check/atlas.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { simulatorFor } from "../../fixtures.ts";

test("a project that does not answer in time does not hide the clusters of the others", async () => {
  const { environment } = await simulatorFor({ orders: "listFlexClusters=hang*1" });
  const config = parseConfig({ options: {}, env: environment, toolNames: [] });
  const edges = { clock: systemClock, redactor: createRedactor(), version: "1.0.0" };
  const access = await openAtlas(config, edges);
  onTestFinished(access.close);
  const projects = [{ id: SIMULATED.emptyGroupId }, { id: SIMULATED.groupId }];
  const limits = { deadline: Date.now() + 2_500, signal: new AbortController().signal };
  expect(flexClusters(await lookForClusters(access, projects, limits))).toMatchObject({
    state: "warning",
    found: expect.stringMatching(/^4: orders, .*; 1 of 2 projects cannot be read: /),
    errorCode: "TIMEOUT",
  });
});
