import { chmod, chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../fixtures.ts";
import { ACCOUNT, parse } from "../parsed.ts";

const KEY = { MONGODB_ATLAS_PUBLIC_API_KEY: "public", MONGODB_ATLAS_PRIVATE_API_KEY: "private-api-key-1" };

const TOKEN = { MONGODB_ATLAS_ACCESS_TOKEN: "an-access-token-1" };

async function secretFile(secret: string, mode: number): Promise<string> {
  const path = join(await temporaryFolder(), "secret");
  await writeFile(path, secret, { mode });
  return path;
}

describe("credentials", () => {
  test.each([
    [
      "our service account names",
      ACCOUNT,
      { kind: "service-account", clientId: "mdb_sa_id_1", clientSecret: "mdb_sa_sk_1234567890" },
    ],
    [
      "the official server's names",
      { MDB_MCP_API_CLIENT_ID: "a", MDB_MCP_API_CLIENT_SECRET: "their-secret-0123" },
      { kind: "service-account", clientId: "a", clientSecret: "their-secret-0123" },
    ],
    ["API key names", KEY, { kind: "api-key", publicKey: "public", privateKey: "private-api-key-1" }],
    [
      "Terraform's names",
      { MONGODB_ATLAS_PUBLIC_KEY: "p", MONGODB_ATLAS_PRIVATE_KEY: "their-private-key-1" },
      { kind: "api-key", publicKey: "p", privateKey: "their-private-key-1" },
    ],
    ["a token", TOKEN, { kind: "access-token", token: TOKEN.MONGODB_ATLAS_ACCESS_TOKEN }],
  ])("%s are read", (_, env, credentials) => {
    expect(parse(env)).toMatchObject({ credentials, problems: [], warnings: [] });
  });

  test("a service account wins over other complete credentials, and a warning says so", () => {
    const config = parse({ ...KEY, ...TOKEN, ...ACCOUNT });
    expect(config.credentials?.kind).toBe("service-account");
    expect(config.warnings).toEqual([
      "Several credentials are set. Used: MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET. Ignored: MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY; MONGODB_ATLAS_ACCESS_TOKEN.",
    ]);
  });

  test("our variable names win over those of other tools for the same kind, and a warning names both", async () => {
    const theirs = {
      MDB_MCP_API_CLIENT_ID: "a",
      MDB_MCP_API_CLIENT_SECRET_FILE: await secretFile("their-secret-0123", 0o600),
    };
    const config = parse({ ...theirs, ...ACCOUNT });
    expect(config.credentials).toMatchObject({ clientId: ACCOUNT.MONGODB_ATLAS_CLIENT_ID });
    expect(config.warnings).toEqual([
      "Several credentials are set. Used: MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET. Ignored: MDB_MCP_API_CLIENT_ID and MDB_MCP_API_CLIENT_SECRET_FILE.",
    ]);
  });

  test("an API key wins over a token", () => {
    expect(parse({ ...KEY, ...TOKEN }).credentials?.kind).toBe("api-key");
  });

  test("half a pair alone is a problem that names the missing half", () => {
    expect(parse({ MONGODB_ATLAS_CLIENT_ID: "a" }).problems).toEqual([
      "MONGODB_ATLAS_CLIENT_ID is set without MONGODB_ATLAS_CLIENT_SECRET. Set MONGODB_ATLAS_CLIENT_SECRET, or MONGODB_ATLAS_CLIENT_SECRET_FILE to the path of a file that holds it.",
    ]);
    expect(parse({ MONGODB_ATLAS_PRIVATE_KEY: "their-private-key-1" }).problems).toEqual([
      "MONGODB_ATLAS_PRIVATE_KEY is set without MONGODB_ATLAS_PUBLIC_KEY. Set MONGODB_ATLAS_PUBLIC_KEY too, since the two belong together.",
    ]);
  });

  test("half a pair beside a complete kind is a warning only", () => {
    const config = parse({ ...ACCOUNT, MONGODB_ATLAS_PUBLIC_API_KEY: "p" });
    expect(config.problems).toEqual([]);
    expect(config.warnings).toEqual([
      "MONGODB_ATLAS_PUBLIC_API_KEY is set without MONGODB_ATLAS_PRIVATE_API_KEY. It is ignored.",
    ]);
  });

  test("variables of two naming families never make a pair", () => {
    const config = parse({ MONGODB_ATLAS_CLIENT_ID: "a", MDB_MCP_API_CLIENT_SECRET: "their-secret-0123" });
    expect(config).not.toHaveProperty("credentials");
    expect(config.problems).toHaveLength(2);
  });

  test("a secret comes from the file that its _FILE variable names", async () => {
    const path = await secretFile("secret-from-a-file", 0o600);
    const config = parse({ MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: path });
    expect(config.credentials).toEqual({ kind: "service-account", clientId: "a", clientSecret: "secret-from-a-file" });
    expect(config.warnings).toEqual([]);
  });

  test("a secret in a file that others can read is used with a warning", { tags: "modes" }, async () => {
    const path = await secretFile("secret-from-a-file", 0o644);
    const config = parse({ MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: path });
    expect(config).toMatchObject({ credentials: { clientSecret: "secret-from-a-file" }, problems: [] });
    expect(config.warnings).toEqual([
      "The file of MONGODB_ATLAS_CLIENT_SECRET_FILE can be read by other users of this computer; make it 0600.",
    ]);
  });

  test("a file that only its group may read besides its owner brings a warning", { tags: "modes" }, async () => {
    const path = await secretFile("secret-from-a-file", 0o640);
    expect(parse({ MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: path }).warnings).toHaveLength(1);
  });

  test("a file that another user shares with this one, as systemd does, brings none, unless everybody may read it", {
    tags: "root",
  }, async () => {
    const path = await secretFile("secret-from-a-file", 0o440);
    const warnings = () => parse({ MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: path }).warnings;
    await chown(path, 1234, 1234);
    expect(warnings()).toEqual([]);
    await chmod(path, 0o444);
    expect(warnings()).toHaveLength(1);
  });

  test("a secret given both ways is a problem", () => {
    const config = parse({ ...ACCOUNT, MONGODB_ATLAS_CLIENT_SECRET_FILE: "/x" });
    expect(config.problems).toEqual([
      "MONGODB_ATLAS_CLIENT_SECRET and MONGODB_ATLAS_CLIENT_SECRET_FILE are both set; keep one of them.",
    ]);
  });

  test.each([
    ["mdb_sa_id_…", "of the instructions"],
    ["mdb_sa_id_...", "of the instructions"],
    ["<client id>", "of the instructions"],
    ["${input:atlas-id}", "that nobody filled in"],
    ["${env:ATLAS_ID}", "that nobody filled in"],
  ])("%s is reported as a placeholder, and as nothing else", (value, whose) => {
    const config = parse({ ...ACCOUNT, MONGODB_ATLAS_CLIENT_ID: value });
    expect(config.problems).toEqual([
      expect.stringMatching(new RegExp(`^MONGODB_ATLAS_CLIENT_ID is still .*placeholder ${whose}`)),
    ]);
    expect(config).not.toHaveProperty("credentials");
    expect(config.unusable).toEqual(["credentials"]);
  });

  test.each(["MONGODB_ATLAS_CLIENT_SECRET", "MONGODB_ATLAS_PRIVATE_API_KEY", "MONGODB_ATLAS_ACCESS_TOKEN"])(
    "a value of %s that is too short or too long to be a secret is a problem, and its only one",
    async (name) => {
      const env = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1", MONGODB_ATLAS_PUBLIC_API_KEY: "public" };
      const others = {
        MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_1234567890",
        MONGODB_ATLAS_PRIVATE_API_KEY: "private-api-key-1",
      };
      const tooShort = `${name} is too short to be a secret of Atlas; copy the whole value.`;
      for (const value of ["t", "123456789012345"])
        expect(parse({ ...env, ...others, [name]: value })).toMatchObject({
          problems: [tooShort],
          unusable: ["credentials"],
        });
      const rest = Object.entries({ ...env, ...others }).filter(([other]) => other !== name);
      const inFile = parse({ ...Object.fromEntries(rest), [`${name}_FILE`]: await secretFile("t\n", 0o600) });
      expect(inFile.problems).toEqual([tooShort.replace(" is", "_FILE names a file whose text is")]);
      expect(parse({ ...env, ...others, [name]: "k7".repeat(2049) }).problems).toEqual([
        `${name} is longer than any credential of Atlas; copy the value alone.`,
      ]);
      expect(parse({ ...env, ...others, [name]: "1234567890123456" }).problems).toEqual([]);
    },
  );

  test("blank values and placeholders that a host left unfilled count as unset", () => {
    const env = {
      MONGODB_ATLAS_CLIENT_ID: "${user_config.client_id}",
      MONGODB_ATLAS_CLIENT_SECRET: "  ",
      ATLAS_FLEX_SIMULATE: "${user_config.simulate}",
    };
    expect(parse(env)).toMatchObject({ simulate: false, problems: [], warnings: [] });
  });
});
