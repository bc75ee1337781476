import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { ACCEPT, call, ORDERS, requestDownload, V2 } from "./harness.ts";

const versioned = (date: string) => `application/vnd.atlas.${date}+json`;

describe("media types", () => {
  test.each([
    ["the exact version of a Flex path", ORDERS, versioned("2024-11-13"), "2024-11-13"],
    ["a newer version, which resolves to it", ORDERS, versioned("2025-03-12"), "2024-11-13"],
    ["one version among other types", ORDERS, `text/html, ${versioned("2025-03-12")};q=0.5`, "2024-11-13"],
    ["the exact version of the projects", `${V2}/groups`, versioned("2023-01-01"), "2023-01-01"],
    ["a newer version of the projects", `${V2}/groups`, versioned("2025-03-12"), "2023-01-01"],
  ])("%s is served", async (_, path, accept, version) => {
    const { status, headers } = await call(await simulatorFor(), path, { headers: { accept } });
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe(`${versioned(version)};charset=utf-8`);
  });

  test.each([
    ["plain JSON", ORDERS, "application/json"],
    ["anything", ORDERS, "*/*"],
    ["no Accept", ORDERS, ""],
    ["a version older than the Flex resources", ORDERS, versioned("2024-10-23")],
    ["a version older than the projects", `${V2}/groups`, versioned("2022-12-31")],
    ["a date that does not exist", ORDERS, versioned("2025-13-99")],
    ["another representation", ORDERS, "application/vnd.atlas.2024-11-13+csv"],
  ])("%s is refused with 406", async (_, path, accept) => {
    const { status, headers, json } = await call(await simulatorFor(), path, { headers: { accept } });
    expect(status).toBe(406);
    expect(json).toMatchObject({ error: 406, errorCode: "INVALID_VERSION_DATE", reason: "Not Acceptable" });
    expect(headers["content-type"]).toBe("application/json");
  });

  test.each([
    ["the version", ACCEPT, 200],
    ["a newer version", versioned("2025-03-12"), 200],
    ["plain JSON", "application/json; charset=utf-8", 200],
    ["a form", "application/x-www-form-urlencoded", 415],
    ["an older version", versioned("2023-01-01"), 415],
  ])("a body sent as %s is answered with %s %i", async (_, type, expected) => {
    const { status } = await requestDownload(await simulatorFor(), SIMULATED.snapshotId, {
      headers: { "content-type": type },
    });
    expect(status).toBe(expected);
  });
});

describe("the form of answers", () => {
  test("envelope wraps a single resource in status and content", async () => {
    const { status, json } = await call(await simulatorFor(), `${ORDERS}?envelope=true`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ status: 200, content: { name: "orders" } });
    expect(Object.keys(json)).toEqual(["status", "content"]);
  });

  test("envelope adds the status to a list", async () => {
    const { json } = await call(await simulatorFor(), `${ORDERS}/backup/snapshots?envelope=true`);
    expect(json).toMatchObject({ status: 200, totalCount: 8, results: expect.any(Array), links: expect.any(Array) });
  });

  test.each([
    ["keep-status", 404],
    ["always-200", 200],
  ] as const)("an enveloped failure with %s has status %i", async (envelopedFailures, expected) => {
    const simulator = await simulatorFor({ envelopedFailures });
    const { status, json, headers } = await call(simulator, `${ORDERS}x?envelope=true`);
    expect(status).toBe(expected);
    expect(json).toMatchObject({ status: 404, content: { error: 404, errorCode: "CLUSTER_NOT_FOUND" } });
    expect(headers["x-error-code"]).toBe("CLUSTER_NOT_FOUND");
  });

  test("pretty indents answers and failures", async () => {
    const simulator = await simulatorFor();
    expect((await call(simulator, `${ORDERS}?pretty=true`)).text).toContain('\n  "name": "orders"');
    expect((await call(simulator, `${ORDERS}x?pretty=true`)).text).toContain('\n  "error": 404');
    expect((await call(simulator, ORDERS)).text).not.toContain("\n");
  });

  test("every answer carries the headers of Atlas's servers", async () => {
    const { headers } = await call(await simulatorFor(), ORDERS);
    expect(headers).toMatchObject({
      server: "mdbws",
      "ratelimit-limit": "1200",
      "ratelimit-remaining": "1199",
      "x-envoy-upstream-service-time": expect.any(String),
      "x-java-method": expect.any(String),
    });
  });
});

describe("paging", () => {
  const page = (links: { href: string; rel: string }[] = []) =>
    Object.fromEntries(links.map(({ href, rel }) => [rel, new URL(href).searchParams.get("pageNum")]));

  test.each([
    ["", 8, { self: "1" }],
    ["?itemsPerPage=3", 3, { self: "1", next: "2" }],
    ["?itemsPerPage=3&pageNum=2", 3, { self: "2", previous: "1", next: "3" }],
    ["?itemsPerPage=3&pageNum=3", 2, { self: "3", previous: "2" }],
    ["?itemsPerPage=4&pageNum=2", 4, { self: "2", previous: "1" }],
    ["?pageNum=9", 0, { self: "9", previous: "8" }],
    ["?itemsPerPage=500", 8, { self: "1" }],
  ])("%s gives %i items and the links %j", async (query, count, expected) => {
    const { json } = await call(await simulatorFor(), `${ORDERS}/backup/snapshots${query}`);
    expect(json.results).toHaveLength(count);
    expect(page(json.links)).toEqual(expected);
  });

  test("links have the form that was recorded from Atlas", async () => {
    const simulator = await simulatorFor({ projects: 250 });
    const { json } = await call(simulator, `${V2}/groups`);
    const base = `${simulator.baseUrl}${V2}/groups`;
    expect(json.links).toEqual([
      { href: `${base}?includeCount=true&pageNum=1&itemsPerPage=100`, rel: "self" },
      { href: `${base}?includeCount=true&itemsPerPage=100&pageNum=2`, rel: "next" },
    ]);
  });

  test("small-pages caps a page at 100 entries, although 500 were asked for", async () => {
    const simulator = await simulatorFor({ projects: 250, orders: "listProjects=small-pages" });
    const { json } = await call(simulator, `${V2}/groups?itemsPerPage=500&pageNum=3`);
    expect(json.results).toHaveLength(53);
    expect(json.totalCount).toBe(253);
  });

  test("links are absolute and lead to the next page", async () => {
    const simulator = await simulatorFor();
    const { json } = await call(simulator, `${ORDERS}/backup/snapshots?itemsPerPage=7`);
    const next = json.links?.find(({ rel }) => rel === "next")?.href ?? "";
    expect(next.startsWith(`${simulator.baseUrl}${ORDERS}/backup/snapshots?`)).toBe(true);
    expect((await call(simulator, next)).json.results?.map(({ id }) => id)).toEqual([SIMULATED.snapshotId]);
  });

  test("includeCount=false leaves out the count", async () => {
    const { json } = await call(await simulatorFor(), `${ORDERS}/backup/snapshots?includeCount=false`);
    expect(json).not.toHaveProperty("totalCount");
  });

  test.each(["itemsPerPage=0", "itemsPerPage=501", "itemsPerPage=x", "pageNum=0", "pageNum=-1"])(
    "%s is refused with 400",
    async (query) => {
      const { status, json } = await call(await simulatorFor(), `${V2}/groups?${query}`);
      expect(status).toBe(400);
      expect(json).toMatchObject({
        errorCode: "VALIDATION_ERROR",
        detail: expect.stringContaining(query.split("=")[0] ?? ""),
      });
    },
  );
});

describe("headers", () => {
  test("of answers and errors are those recorded from Atlas", async () => {
    const simulator = await simulatorFor();
    for (const path of [ORDERS, `${ORDERS}x`, `${V2}/orgs`]) {
      const { headers } = await call(simulator, path);
      for (const name of ["referrer-policy", "x-frame-options", "x-java-version", "x-mongodb-service-version"])
        expect(headers).toHaveProperty(name);
      expect(headers).toMatchObject({ server: "mdbws", "x-permitted-cross-domain-policies": "none" });
      for (const name of ["strict-transport-security", "x-content-type-options"])
        expect(headers).not.toHaveProperty(name);
      // Some errors come without the headers of the rate limit.
      expect("ratelimit-limit" in headers).toBe(!path.endsWith("/orgs"));
    }
  });

  test("announce a compressed body only to a client that accepts gzip", async () => {
    const simulator = await simulatorFor();
    const plain = await call(simulator, ORDERS, { headers: { "accept-encoding": "identity" } });
    expect(plain.headers).not.toHaveProperty("content-encoding");
    const coded = await call(simulator, ORDERS, { headers: { "accept-encoding": "deflate, gzip" } });
    expect(coded.headers).toMatchObject({ "content-encoding": "gzip", vary: "Accept-Encoding" });
    expect(gunzipSync(coded.bytes).toString()).toBe(plain.text);
  });
});
