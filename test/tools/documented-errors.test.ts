import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, serverAgainst, simulatorFor } from "../fixtures.ts";

/** The order for the simulator, and every field of the envelope that the failure must have. */
const FAILURES = [
  {
    order: "VALIDATION_ERROR",
    envelope: {
      error: 400,
      errorCode: "VALIDATION_ERROR",
      parameters: ["unspecified"],
      reason: "Bad Request",
      source: "atlas",
      retryable: false,
    },
    hint: /ids/,
  },
  {
    order: "TOO_MANY_SNAPSHOT_DOWNLOADS",
    envelope: {
      error: 400,
      errorCode: "TOO_MANY_SNAPSHOT_DOWNLOADS",
      reason: "Bad Request",
      source: "atlas",
      retryable: true,
    },
    hint: /call again once its links have expired/,
  },
  {
    order: "USER_UNAUTHORIZED",
    envelope: {
      error: 401,
      errorCode: "USER_UNAUTHORIZED",
      reason: "Unauthorized",
      source: "credentials",
      retryable: false,
    },
    hint: /Project Owner or the newer Project Backup Export Operator/,
  },
  {
    order: "NOT_IN_GROUP",
    envelope: {
      error: 401,
      errorCode: "NOT_IN_GROUP",
      reason: "Unauthorized",
      source: "credentials",
      retryable: false,
    },
    hint: /do not belong to this project/,
  },
  {
    order: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
    envelope: {
      error: 403,
      errorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
      reason: "Forbidden",
      source: "credentials",
      retryable: false,
      parameters: [expect.any(String)],
    },
    hint: /API access list/,
  },
  {
    order: "ATLAS_NETWORK_PERMISSIONS_SIZE_EXCEEDED",
    envelope: {
      error: 403,
      errorCode: "ATLAS_NETWORK_PERMISSIONS_SIZE_EXCEEDED",
      reason: "Forbidden",
      source: "atlas",
      retryable: false,
    },
    hint: /Network Access/,
  },
  {
    order: "CLUSTER_NOT_FOUND",
    envelope: {
      error: 404,
      errorCode: "CLUSTER_NOT_FOUND",
      reason: "Not Found",
      source: "atlas",
      retryable: false,
      parameters: [CLUSTER.name, CLUSTER.groupId],
    },
    hint: /case-sensitive/,
  },
  {
    order: "CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT",
    envelope: {
      error: 409,
      errorCode: "CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT",
      reason: "Conflict",
      source: "atlas",
      retryable: true,
    },
    hint: /Wait while Atlas is taking it; one that is FAILED never becomes complete/,
  },
  {
    order: "429:retry-after=3600",
    envelope: {
      error: 429,
      errorCode: "RATE_LIMITED_TOKEN_BUCKET",
      reason: "Too Many Requests",
      source: "atlas",
      retryable: true,
      retryAfterSeconds: 3600,
      parameters: expect.arrayContaining(["1200"]),
    },
    hint: /Call again in 3600 seconds\.$/,
  },
] as const;

const TOOLS = [
  {
    tool: "request_flex_snapshot_download",
    operation: "requestDownload",
    args: { ...CLUSTER, snapshotId: SIMULATED.snapshotId },
  },
  { tool: "get_restore_job", operation: "getRestoreJob", args: { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId } },
] as const;

describe.each(TOOLS)("$tool", ({ tool, operation, args }) => {
  test.each(FAILURES)("passes on $order with Atlas's fields and what to do", async ({ order, envelope, hint }) => {
    const simulator = await simulatorFor({ orders: `${operation}=${order}` });
    const { call, fails } = await serverAgainst(simulator);
    const failure = await fails(tool, args);
    expect(failure).toEqual({ detail: expect.stringMatching(/\w/), ...envelope, hint: expect.stringMatching(hint) });
    expect(simulator.jobs).toEqual([]);

    const { content } = await call(tool, args);
    const text = JSON.stringify(content);
    for (const fact of [
      tool,
      String(failure.error),
      failure.errorCode,
      failure.reason,
      failure.detail,
      failure.hint,
      ...(failure.parameters ?? []),
    ])
      expect(text).toContain(JSON.stringify(fact).slice(1, -1));
  });

  test("passes on an internal error of Atlas with its fields", async () => {
    const simulator = await simulatorFor({ orders: `${operation}=500` });
    const { fails } = await serverAgainst(simulator);
    const isRequest = operation === "requestDownload";
    expect(await fails(tool, args)).toEqual({
      error: 500,
      errorCode: "UNEXPECTED_ERROR",
      reason: "Internal Server Error",
      detail: "Unexpected error.",
      source: "atlas",
      retryable: !isRequest,
      hint: expect.stringMatching(isRequest ? /^Whether a job was created is unknown/ : /Call again in a minute/),
    });
  });
});
