import { ResultSchema as AnyResult, ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { inputFailure } from "../../src/tools/arguments.ts";
import { CATALOG } from "../../src/tools/catalog.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverAgainst, serverWith, simulatorFor } from "../fixtures.ts";

const REQUEST = "request_flex_snapshot_download";
const GOOD = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };
const ID_RULE = "must be 24 lower-case hexadecimal characters (0-9, a-f)";
const FROM_PROJECTS = "list_flex_clusters shows the ids of projects. save_flex_snapshot needs only the cluster's name";
const FROM_SNAPSHOTS =
  "list_flex_snapshots shows the ids of backups; latestCompleteSnapshotId is the newest. list_saved_snapshots shows those of downloads";
const FROM_NAMES =
  "It is the name of the cluster in Atlas, not a project, a database or a connection string. list_flex_clusters shows the names";
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
        [{ field: "groupId", description: `${ID_RULE}; got the string "5FA1000000000000000000B1". ${FROM_PROJECTS}` }],
      ],
      [
        REQUEST,
        { ...GOOD, snapshotId: "abc" },
        [{ field: "snapshotId", description: `${ID_RULE}; got the string "abc". ${FROM_SNAPSHOTS}` }],
      ],
      [
        REQUEST,
        { ...GOOD, snapshotId: `${SIMULATED.snapshotId}\n` },
        [
          {
            field: "snapshotId",
            description: `${ID_RULE}; got the string "${SIMULATED.snapshotId}\\n". ${FROM_SNAPSHOTS}`,
          },
        ],
      ],
      [
        REQUEST,
        { ...GOOD, name: "a/b" },
        [{ field: "name", description: `${NAME_RULE}; got the string "a/b". ${FROM_NAMES}` }],
      ],
      [
        REQUEST,
        { ...GOOD, name: ".." },
        [{ field: "name", description: `${NAME_RULE}; got the string "..". ${FROM_NAMES}` }],
      ],
      [
        REQUEST,
        { ...GOOD, name: "" },
        [{ field: "name", description: `${NAME_RULE}; got the string "". ${FROM_NAMES}` }],
      ],
      [
        REQUEST,
        { ...GOOD, name: "x".repeat(65) },
        [
          {
            field: "name",
            description: expect.stringMatching(`^${NAME_RULE}; got the string "x+…"\\. ${FROM_NAMES}$`),
          },
        ],
      ],
      [REQUEST, { ...GOOD, name: 7 }, [{ field: "name", description: `${NAME_RULE}; got 7 (number). ${FROM_NAMES}` }]],
      [
        REQUEST,
        { ...GOOD, name: null },
        [{ field: "name", description: `${NAME_RULE}; got null (null). ${FROM_NAMES}` }],
      ],
      [
        REQUEST,
        { ...GOOD, name: { $ne: 1 } },
        [{ field: "name", description: `${NAME_RULE}; got an object. ${FROM_NAMES}` }],
      ],
      [
        REQUEST,
        { ...GOOD, envelope: "true" },
        [{ field: "envelope", description: 'must be true or false; got the string "true"' }],
      ],
      [REQUEST, { ...CLUSTER }, [{ field: "snapshotId", description: `is missing; it ${ID_RULE}. ${FROM_SNAPSHOTS}` }]],
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
        { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId, waitSeconds: "soon" },
        [
          {
            field: "waitSeconds",
            description: 'must be a whole number of seconds, 0 or more; got the string "soon"',
          },
        ],
      ],
      [
        "list_restore_jobs",
        { ...CLUSTER, deliveryType: "download" },
        [{ field: "deliveryType", description: 'must be one of DOWNLOAD, RESTORE; got the string "download"' }],
      ],
      [
        "list_restore_jobs",
        { ...CLUSTER, limit: true },
        [{ field: "limit", description: "must be a whole number from 1 to 100; got true (boolean)" }],
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
  const { envelope } = inputFailure(new z.ZodError([{ ...issue, keys }]), {}, known, () => "");
  expect(envelope.badRequestDetail?.fields).toHaveLength(20);
  expect(compared).toBe(20);
});

describe("a refusal says where the right value comes from", () => {
  const SAVE = "save_flex_snapshot";
  const FOLDER = "The folder is a setting: the person changes ATLAS_FLEX_DOWNLOAD_DIR and restarts this server";
  const rows: [tool: string, args: Record<string, unknown>, says: string[]][] = [
    [SAVE, { name: "orders", groupId: "Simulated shop" }, ["list_flex_clusters shows", "groupId may be left out"]],
    [SAVE, { name: "orders", groupId: "" }, ["list_flex_clusters shows"]],
    [REQUEST, { ...GOOD, groupId: "Simulated shop" }, ["list_flex_clusters shows", "needs only the cluster's name"]],
    ...["latest", "newest", "2026-11-24", ""].map((snapshotId): (typeof rows)[number] => [
      SAVE,
      { name: "orders", snapshotId },
      ["Leave snapshotId out only if the newest complete backup is meant", "list_flex_snapshots shows the ids"],
    ]),
    [REQUEST, { ...GOOD, snapshotId: "latest" }, ["latestCompleteSnapshotId is the newest"]],
    ["stop_saving_snapshot", { snapshotId: "" }, ["list_saved_snapshots shows those of downloads"]],
    ...["/home/ann/Desktop/x.tgz", "s3://bucket/x.tgz", "C:\\x", "~/x.tgz"].map((fileName): (typeof rows)[number] => [
      SAVE,
      { name: "orders", fileName },
      ["must be a plain file name", FOLDER, "copies the finished file afterwards"],
    ]),
    [SAVE, { name: "orders", fileName: "my file.tgz" }, ["Leave fileName out for a name of cluster, time and id"]],
    [
      "verify_saved_snapshot",
      { fileName: "/tmp/x.tgz" },
      ["Only files in the download folder", "list_saved_snapshots"],
    ],
    [SAVE, { name: "“orders” " }, ["Send orders, without blanks and quotes"]],
    [SAVE, { name: "my cluster" }, ["not a project, a database or a connection string"]],
    ["get_restore_job", CLUSTER, ["restoreJobId is missing", "list_restore_jobs shows the ids of jobs"]],
  ];
  test.each(rows)("%s %j", async (tool, args, says) => {
    const { detail } = await (await serverWith({ args: ["--simulate"] })).fails(tool, args);
    for (const words of says) expect(detail).toContain(words);
  });

  test.each([
    ["save_flex_snapshot", { name: "my cluster", groupId: "x", snapshotId: "latest", fileName: "a/b" }],
    ["request_flex_snapshot_download", {}],
    ["get_restore_job", {}],
    ["verify_saved_snapshot", {}],
    ["stop_saving_snapshot", {}],
  ])("and %s, offered alone, names no other tool", async (tool, args) => {
    const { call } = await serverWith({ args: ["--simulate", "--tools", tool] });
    const { isError, content } = await call(tool, args);
    expect(isError).toBe(true);
    const named = CATALOG.filter(({ name }) => JSON.stringify(content).includes(name)).map(({ name }) => name);
    expect(named).toEqual([tool]);
  });
});

test("the advertised schemas stay strict, and each description says its limits in words", async () => {
  const { client } = await serverWith({ args: ["--simulate"] });
  const Schema = z.looseObject({
    description: z.string(),
    pattern: z.string().optional(),
    enum: z.array(z.string()).optional(),
    type: z.string(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    maxLength: z.number().optional(),
    default: z.unknown().optional(),
  });
  for (const { name: tool, inputSchema } of (await client.listTools()).tools) {
    expect(inputSchema.additionalProperties).toBe(false);
    for (const [name, schema] of Object.entries(inputSchema.properties ?? {})) {
      const { description, ...limits } = Schema.parse(schema);
      const where = `${tool} ${name}`;
      expect(limits.type, where).toMatch(/^(string|integer|boolean)$/);
      if (limits.pattern?.includes("{24}")) expect(description, where).toContain("24 hex characters");
      else if (limits.pattern) expect(description, where).toContain("letters, digits");
      for (const word of limits.enum ?? []) expect(description, where).toContain(word);
      for (const number of [limits.minimum, limits.maximum, limits.maxLength, limits.default])
        if (number !== undefined) expect(description, where).toMatch(new RegExp(`\\b${number}\\b`));
    }
  }
});
