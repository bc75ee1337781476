import { describe, expect, test } from "vitest";
import { deleteSecrets, environmentOf, SECRET_VARIABLES } from "../../src/config/variables.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { parse } from "../parsed.ts";

const ID = "5fa1000000000000000000b1";

describe("names of variables", () => {
  const odd = { Atlas_Flex_Read_Only: "true", mongodb_atlas_project_id: ID, https_proxy: "proxy:1" };

  test("have no case on Windows", () => {
    const config = parse(environmentOf({ ...odd, atlas_flex_hide_urls: "true" }, "win32"));
    expect(config).toMatchObject({ readOnly: true, projectId: ID, proxy: { httpsProxy: "http://proxy:1/" } });
    expect(config.warnings).toEqual([
      "atlas_flex_hide_urls is not a setting of this server; did you mean ATLAS_FLEX_HIDE_SNAPSHOT_URLS?",
    ]);
  });

  test("stay as they are written in a warning, also on Windows, so that a secret in one is recognised", () => {
    const secret = { MONGODB_ATLAS_ACCESS_TOKEN: "swordfish" };
    const { warnings } = parse(environmentOf({ ...secret, Atlas_Flex_swordfish: "x" }, "win32"));
    expect(warnings.join()).toContain("Atlas_Flex_");
    expect(warnings.join()).not.toMatch(/swordfish/i);
  });

  test("have one elsewhere, and a warning names the variable that is meant", () => {
    const config = parse(environmentOf(odd, "linux"));
    expect(config).toMatchObject({ readOnly: false, projectId: undefined, proxy: { httpsProxy: "http://proxy:1/" } });
    expect(config.warnings).toEqual([
      "Atlas_Flex_Read_Only is not a setting of this server; did you mean ATLAS_FLEX_READ_ONLY?",
      "mongodb_atlas_project_id is not a setting of this server; did you mean MONGODB_ATLAS_PROJECT_ID?",
    ]);
  });
});

describe("after reading", () => {
  test("no variable is left that holds a secret or may hold one, however its name is spelt", () => {
    const secret = [
      ...[...SECRET_VARIABLES, "HTTPS_PROXY", "HTTP_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
      ...["ALL_PROXY", "all_proxy", "npm_config_https_proxy", "MONGODB_ATLAS_BASE_URL"],
      ...["Mongodb_Atlas_Client_Secret", "MONGODB_ATLAS_CLIENTSECRET", "MONGODB_ATLAS_CLIENT_SECRET_FLIE"],
      ...["MONGODB_ATLAS_API_PRIVATE_KEY", "MONGODB_ATLAS_TOKEN", "MONGODB_ATLAS_SECRET", "MONGODB_ATLAS_PASSWORD"],
      ...["ATLAS_FLEX_CLIENT_SECRET", "ATLAS_FLEX_PRIVATE_API_KEY", "ATLAS_FLEX_ACCESS_TOKEN", "MDB_MCP_CLIENT_SECRET"],
      ...["MONGODB_ATLAS_CLIENT_SECRET_PATH", " MONGODB_ATLAS_CLIENT_SECRET", "MONGODB-ATLAS-CLIENT-SECRET"],
      ...[
        "mongodbAtlasClientSecret",
        "MY_MONGODB_ATLAS_CLIENT_SECRET",
        "ATLAS_CLIENT_SECRET",
        "MDB_MCP_CONNECTION_STRING",
      ],
      ...[
        "HTTPS-PROXY",
        " HTTPS_PROXY",
        "HTTPS_PROXY_URL",
        "ATLAS_FLEX_8f3k2",
        "ATLAS_FLEX_TOOLS",
        "MONGODB_ATLAS_CLIENT_ID",
      ],
    ];
    const others = ["PATH", "HOME", "NO_PROXY", "no_proxy", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"];
    const variables: Record<string, string | undefined> = Object.fromEntries(
      [...secret, ...others].map((name) => [name, "x"]),
    );
    deleteSecrets(variables);
    expect(Object.keys(variables)).toEqual(others);
  });

  test.each([
    ["http://us%65r:p%61ss-w%C3%B6rd@proxy:1", ["pass-wörd", "p%61ss-w%C3%B6rd", "user:pass-wörd"]],
    ["http://user:pw@proxy:1", ["user:pw"]],
    ["http://user:p%40w@proxy:1", ["user:p@w"]],
    ["http://:pass-word@proxy:1", ["pass-word"]],
  ])("the password in %s is known in each form that can be sent", (url, forms) => {
    const redactor = createRedactor(parse({ HTTPS_PROXY: url }).secrets);
    for (const form of forms) {
      expect(redactor.scrub(`before ${form} after`)).toBe("before [removed] after");
      expect(redactor.scrub(`before ${Buffer.from(form).toString("base64")} after`)).toContain("[removed]");
    }
  });
});
