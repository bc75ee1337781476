import { describe, expect, test } from "vitest";
import { parse } from "../parsed.ts";

describe("the base URL", () => {
  test.each([
    "https://cloud.mongodbgov.com",
    "https://cloud-dev.mongodb.com/",
    "http://localhost:8080",
    "http://127.0.0.1:1",
    "http://[::1]:9",
    "http://[::ffff:127.0.0.1]:9",
  ])("%s is accepted without a warning", (url) => {
    expect(parse({ MONGODB_ATLAS_BASE_URL: url })).toMatchObject({ problems: [], warnings: [] });
  });

  test.each([
    "http://cloud.mongodb.com",
    "http://atlas.localhost:9",
    "https://user:pw@cloud.mongodb.com",
    "https://cloud.mongodb.com/api",
    "https://cloud.mongodb.com/?a=1",
    "ftp://127.0.0.1",
    "cloud.mongodb.com",
  ])("%s is refused: only an https origin will do, or http on loopback", (url) => {
    const config = parse({ MONGODB_ATLAS_BASE_URL: url });
    expect(config.problems).toHaveLength(1);
    expect(config.problems[0]).toMatch(/^MONGODB_ATLAS_BASE_URL must be an origin/);
    expect(config.problems[0]).not.toContain("pw");
    expect(config.baseUrl.href).toBe("https://cloud.mongodb.com/");
  });

  test.each(["https://mongodb.com.evil.example", "https://evilmongodb.com", "https://atlas.example.com"])(
    "%s is accepted with a warning, since it receives the credentials",
    (url) => {
      expect(parse({ MONGODB_ATLAS_BASE_URL: url }).warnings).toEqual([
        `MONGODB_ATLAS_BASE_URL is not a host of MongoDB: ${url} receives the credentials.`,
      ]);
    },
  );
});

describe("a proxy", () => {
  test.each([
    ["proxy.example.com:3128", "http://proxy.example.com:3128/"],
    ["proxy", "http://proxy/"],
    ["user:p%40ss@proxy:3128", "http://user:p%40ss@proxy:3128/"],
    ["HTTPS://proxy:3128", "https://proxy:3128/"],
  ])("given as %s is used as %s", (setting, url) => {
    expect(parse({ HTTP_PROXY: setting, https_proxy: setting })).toMatchObject({
      proxy: { httpProxy: url, httpsProxy: url },
      problems: [],
    });
  });

  test.each(["http://", "http://user:%zz@proxy.test:3128", "user:%zz@proxy.test:3128", "ht tp://proxy", "ftp://proxy"])(
    "given as %s is a problem that does not quote it",
    (setting) => {
      const { problems, proxy } = parse({ HTTP_PROXY: setting });
      expect(problems).toEqual(["HTTP_PROXY must be the URL of a proxy, such as http://proxy.example.com:8080."]);
      expect(proxy).toEqual({});
    },
  );
});
