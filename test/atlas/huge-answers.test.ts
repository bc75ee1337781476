import { describe, expect, test } from "vitest";
import { withoutSecrets } from "../../src/atlas/access.ts";
import { atlasFailure } from "../../src/atlas/client.ts";
import { ApiError, RestoreJob } from "../../src/atlas/model.ts";
import { clean } from "../../src/core/text.ts";
import { retryAfterSeconds } from "../../src/http/retry.ts";

/** Four million wrong entries, which fit into eight megabytes, and how many of them were read. */
function wrongEntries(): { list: unknown[]; looks: () => number } {
  const looked = new Set<string | symbol>();
  const list = new Proxy(Array(4_000_000).fill(1), {
    get(target, name) {
      if (typeof name === "string" && /^\d+$/.test(name)) looked.add(name);
      return Reflect.get(target, name);
    },
  });
  return { list, looks: () => looked.size };
}

/** An answer after the removal of secrets, and the texts that each remover received. */
async function cleared(json: unknown) {
  const scrubbed: string[] = [];
  const removed: string[] = [];
  const note = (into: string[]) => (text: string) => {
    into.push(text);
    return text.replace("SECRET", "gone");
  };
  const send = withoutSecrets({ remove: note(removed), removeWithLinks: note(scrubbed), scrub: note(scrubbed) })(
    async () => ({
      status: 200,
      headers: {},
      json,
    }),
  );
  const never = new AbortController().signal;
  const request = { method: "GET" as const, url: new URL("http://localhost"), headers: {}, deadline: 0, signal: never };
  return { json: (await send(request)).json, scrubbed, removed };
}

describe("of a list of millions, only the entries that are used are read", () => {
  test.each<[string, number, (list: unknown[]) => unknown]>([
    ["links of a job", 10, (links) => RestoreJob.safeParse({ links })],
    ["parameters of an error", 10, (parameters) => ApiError.safeParse({ parameters })],
    ["fields of an error", 20, (fields) => ApiError.safeParse({ badRequestDetail: { fields } })],
    [
      "parameters of a limit",
      2,
      (parameters) =>
        retryAfterSeconds({ headers: {}, json: { errorCode: "RATE_LIMITED_TOKEN_BUCKET", parameters } }, 0),
    ],
    ["entries of any list that is searched for secrets", 501, (list) => cleared({ any: { list } })],
  ])("%s", async (_, most, read) => {
    const { list, looks } = wrongEntries();
    await read(list);
    expect(looks()).toBe(most);
  });
});

test("a page that is too long is still too long after it is cut", async () => {
  const { json } = await cleared({ results: Array(100_000).fill({}) });
  expect(json).toEqual({ results: Array(501).fill({}) });
});

test("values nested deeper than anything that is read are left out, secrets included", async () => {
  const { json } = await cleared({ a: [{ b: { c: ["SECRET", { d: "SECRET", e: [] }] } }] });
  expect(json).toEqual({ a: [{ b: { c: ["gone", undefined] } }] });
});

test("only the beginning of a text of megabytes is searched for secrets", async () => {
  const { scrubbed } = await cleared({ detail: "x".repeat(8_000_000), results: Array(500).fill("y".repeat(20_000)) });
  expect(scrubbed).toHaveLength(501);
  expect(Math.max(...scrubbed.map((text) => text.length))).toBe(16 * 1024);
});

test("error parameters that are objects of megabytes are cut", () => {
  const parameters = Array(10).fill({ text: "x".repeat(800_000), list: Array(10_000).fill("y") });
  const { envelope } = atlasFailure({ status: 400, headers: {}, json: { errorCode: "ANY", parameters } }, clean, 0);
  expect(envelope.parameters?.map((text) => text.length)).toEqual(Array(10).fill(500));
});

test("link fields lose only credentials; links in all other texts also lose what grants access", async () => {
  const { removed, scrubbed } = await cleared({
    snapshotUrl: "https://files.example/1",
    links: [{ rel: "self", href: "https://files.example/2" }],
    instanceName: "https://files.example/3",
    nested: { list: ["https://files.example/4"] },
  });
  expect(removed).toEqual(["https://files.example/1", "https://files.example/2"]);
  expect(scrubbed).toEqual(["self", "https://files.example/3", "https://files.example/4"]);
});
