import { ResultSchema as AnyResult, ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { inputFailure } from "../../src/tools/tool.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverAgainst, simulatorFor } from "../fixtures.ts";

const REQUEST = "request_flex_snapshot_download";
const GOOD = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };
const ID_RULE = "must be 24 lower-case hexadecimal characters (0-9, a-f)";
const NAME_RULE =
  "must be a cluster name: letters, digits and hyphens, starting with a letter or digit, at most 64 characters";

describe("arguments of the wrong form", () => {
  test("are answered with the field, the rule and the value received; nothing is sent", async () => {
    const simulator = await simulatorFor();
    const { fails } = await serverAgainst(simulator);
    const table: [string, Record<string, unknown>, { field: string; description: string }[]][] = [
      [
        REQUEST,
        { ...GOOD, groupId: "5FA1000000000000000000B1" },
        [{ field: "groupId", description: `${ID_RULE}; got the string "5FA1000000000000000000B1"` }],
      ],
      [
        REQUEST,
        { ...GOOD, snapshotId: "abc" },
        [{ field: "snapshotId", description: `${ID_RULE}; got the string "abc"` }],
      ],
      [
        REQUEST,
        { ...GOOD, snapshotId: `${SIMULATED.snapshotId}\n` },
        [{ field: "snapshotId", description: `${ID_RULE}; got the string "${SIMULATED.snapshotId}\\n"` }],
      ],
      [REQUEST, { ...GOOD, name: "a/b" }, [{ field: "name", description: `${NAME_RULE}; got the string "a/b"` }]],
      [REQUEST, { ...GOOD, name: ".." }, [{ field: "name", description: `${NAME_RULE}; got the string ".."` }]],
      [REQUEST, { ...GOOD, name: "" }, [{ field: "name", description: `${NAME_RULE}; got the string ""` }]],
      [
        REQUEST,
        { ...GOOD, name: "x".repeat(65) },
        [{ field: "name", description: expect.stringMatching(`^${NAME_RULE}; got the string "x+…"$`) }],
      ],
      [REQUEST, { ...GOOD, name: 7 }, [{ field: "name", description: `${NAME_RULE}; got 7 (number)` }]],
      [REQUEST, { ...GOOD, name: null }, [{ field: "name", description: `${NAME_RULE}; got null (null)` }]],
      [REQUEST, { ...GOOD, name: { $ne: 1 } }, [{ field: "name", description: `${NAME_RULE}; got an object` }]],
      [
        REQUEST,
        { ...GOOD, envelope: "true" },
        [{ field: "envelope", description: 'must be true or false; got the string "true"' }],
      ],
      [REQUEST, { ...CLUSTER }, [{ field: "snapshotId", description: `is missing; it ${ID_RULE}` }]],
      [
        REQUEST,
        { ...GOOD, clusterName: "orders" },
        [
          {
            field: "clusterName",
            description: "is an unknown argument; this tool takes groupId, name, snapshotId, envelope, pretty",
          },
        ],
      ],
      [
        REQUEST,
        { ...GOOD, snapshotID: "x" },
        [{ field: "snapshotID", description: "is an unknown argument; did you mean snapshotId?" }],
      ],
      [
        "get_restore_job",
        { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId, waitSeconds: 41 },
        [{ field: "waitSeconds", description: "must be a whole number from 0 to 40; got 41 (number)" }],
      ],
      [
        "get_restore_job",
        { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId, waitSeconds: 1.5 },
        [{ field: "waitSeconds", description: "must be a whole number from 0 to 40; got 1.5 (number)" }],
      ],
      [
        "list_restore_jobs",
        { ...CLUSTER, deliveryType: "download" },
        [{ field: "deliveryType", description: 'must be one of DOWNLOAD, RESTORE; got the string "download"' }],
      ],
      [
        "list_restore_jobs",
        { ...CLUSTER, limit: 0 },
        [{ field: "limit", description: "must be a whole number from 1 to 100; got 0 (number)" }],
      ],
      [
        "list_saved_snapshots",
        { folder: "/" },
        [{ field: "folder", description: "is an unknown argument; this tool takes none" }],
      ],
      [
        "verify_saved_snapshot",
        { fileName: "../etc/passwd" },
        [{ field: "fileName", description: expect.stringContaining("must be a plain file name") }],
      ],
      [
        "save_flex_snapshot",
        { ...GOOD, fileName: "a\\b.tgz" },
        [{ field: "fileName", description: expect.stringContaining("must be a plain file name") }],
      ],
    ];
    for (const [tool, args, fields] of table) {
      expect(await fails(tool, args)).toMatchObject({
        errorCode: "INVALID_INPUT",
        source: "input",
        retryable: false,
        badRequestDetail: { fields },
      });
    }
    expect(simulator.requests).toEqual([]);
  });

  test("are all named at once, in prose too", async () => {
    const { call } = await serverAgainst(await simulatorFor());
    const { content } = await call(REQUEST, { groupId: "x", extra: 1 });
    const text = JSON.stringify(content);
    for (const field of ["groupId", "name", "snapshotId", "extra"]) expect(text).toContain(field);
  });

  test("by the thousand: twenty are named, each one cut short", async () => {
    const { fails } = await serverAgainst(await simulatorFor());
    const names = Array.from({ length: 5_000 }, (_, index) => `${"long".repeat(20)}${index}`);
    const failure = await fails(REQUEST, Object.fromEntries(names.map((name) => [name, 1])));
    expect(failure.badRequestDetail?.fields).toHaveLength(20);
    expect(JSON.stringify(failure).length).toBeLessThan(8_000);
  });

  test("with hidden characters are shown without them", async () => {
    const { fails } = await serverAgainst(await simulatorFor());
    const failure = await fails(REQUEST, { ...GOOD, name: "\u001b[31mred\u202e", "a\u200bb": 1 });
    expect(JSON.stringify(failure)).not.toMatch(/\u001b|\u202e|\u200b/);
  });

  test("that are not an object are a protocol error, like an unknown tool", async () => {
    const { client } = await serverAgainst(await simulatorFor());
    const any: Record<string, unknown> = { name: REQUEST, arguments: "text" };
    const request = (params: Record<string, unknown>) => client.request({ method: "tools/call", params }, AnyResult);
    await expect(request(any)).rejects.toMatchObject({ code: ErrorCode.InvalidParams });
    await expect(request({ name: REQUEST, arguments: [] })).rejects.toMatchObject({ code: ErrorCode.InvalidParams });
    for (const name of ["delete_everything", "toString", "__proto__"])
      await expect(request({ name, arguments: {} })).rejects.toMatchObject({
        code: ErrorCode.InvalidParams,
        message: expect.stringContaining("Unknown tool"),
      });
  });
});

test("a project outside the allowed ones is refused before any request", async () => {
  const simulator = await simulatorFor();
  const { fails, ok } = await serverAgainst(simulator, {
    env: { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.groupId },
  });
  const args = { ...GOOD, groupId: SIMULATED.emptyGroupId };
  for (const tool of [REQUEST, "save_flex_snapshot"])
    expect(await fails(tool, args)).toMatchObject({
      errorCode: "PROJECT_NOT_ALLOWED",
      source: "configuration",
      detail: `Project ${args.groupId} is not in ATLAS_FLEX_ALLOWED_PROJECTS, which allows ${SIMULATED.groupId}; nothing was sent.`,
    });
  expect(simulator.requests).toEqual([]);
  expect(await ok("list_flex_clusters")).toMatchObject({
    projects: [{ groupId: SIMULATED.groupId }],
    projectsWithoutFlexClusters: [],
  });
  expect(simulator.count("listProjects")).toBe(0);
});

test("of a hundred thousand unknown arguments only the twenty that are named are compared with the known ones", () => {
  const { error } = z.strictObject({ name: z.string() }).safeParse({ name: "orders", other: 1 });
  const issue = error?.issues[0];
  if (issue?.code !== "unrecognized_keys") throw new Error("This argument is known.");
  let compared = 0;
  const known = new Proxy(["name"], {
    get(target, property) {
      if (property === "map") compared += 1;
      return Reflect.get(target, property);
    },
  });
  const keys = Array.from({ length: 100_000 }, (_, index) => `other ${index}`);
  const { envelope } = inputFailure(new z.ZodError([{ ...issue, keys }]), {}, known);
  expect(envelope.badRequestDetail?.fields).toHaveLength(20);
  expect(compared).toBe(20);
});
