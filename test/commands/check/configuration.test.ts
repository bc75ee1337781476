import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { checked, checkedAgainst } from "./checked.ts";

describe("settings that cannot be used", () => {
  test("half a pair of credentials: names the missing half and both ways to set it, and signs nothing", async () => {
    const simulator = await simulatorFor();
    const { failed, step } = await checkedAgainst(simulator, { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1" });
    expect(failed).toEqual(["settings"]);
    expect(step("settings")).toMatchObject({
      errorCode: "CONFIGURATION_INVALID",
      found: "1 problem; set: ATLAS_FLEX_DOWNLOAD_DIR, MONGODB_ATLAS_BASE_URL, MONGODB_ATLAS_CLIENT_ID",
      whatToDo:
        "MONGODB_ATLAS_CLIENT_ID is set without MONGODB_ATLAS_CLIENT_SECRET. Set MONGODB_ATLAS_CLIENT_SECRET, or MONGODB_ATLAS_CLIENT_SECRET_FILE to the path of a file that holds it.",
    });
    expect(step("connection")?.state).toBe("ok");
    expect(step("credentials")?.found).toBe("not tried: none are complete");
    expect(step("projects")?.found).toBe("not tried: the credentials have to be corrected first");
    expect(simulator.count("token")).toBe(0);
  });

  test("all problems are shown at once, warnings last", async () => {
    const env = { ATLAS_FLEX_ALLOWED_PROJECTS: "X", ATLAS_FLEX_LOG_LEVEL: "loud", ATLAS_FLEX_READONLY: "1" };
    const { step } = await checked({ args: ["--tools", "get_restore_jobs"], env });
    const lines = step("settings")?.whatToDo?.split("\n");
    expect(step("settings")?.found).toMatch(/^3 problems and 1 warning; set: --tools, /);
    expect(lines).toHaveLength(4);
    expect(lines?.[3]).toContain("did you mean ATLAS_FLEX_READ_ONLY?");
  });

  test("an unusable address fails instead of being replaced by the default", async () => {
    // If the default address were used after all, the dead proxy would keep the request on this computer.
    const env = {
      ...SERVICE_ACCOUNT,
      MONGODB_ATLAS_BASE_URL: "http://person:canary@cloud.mongodb.com",
      HTTPS_PROXY: "http://127.0.0.1:1",
    };
    const { failed, step } = await checked({ env });
    expect(failed).toEqual(["settings", "atlas-address"]);
    expect(step("atlas-address")?.found).toBe("MONGODB_ATLAS_BASE_URL cannot be used");
  });

  test("no credentials at all: the advice says which to set", async () => {
    const { failed, step } = await checkedAgainst(await simulatorFor(), {});
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({
      errorCode: "CREDENTIALS_MISSING",
      whatToDo: expect.stringMatching(
        /docs\/setup\.md[\s\S]*\nMONGODB_ATLAS_CLIENT_ID=\S+ \\\nMONGODB_ATLAS_CLIENT_SECRET_FILE=\S+ \\\nnode \S+ check\n/,
      ),
    });
  });

  test("a warning alone does not fail the check", async () => {
    const { code, step } = await checked({ args: ["--simulate"], env: { ATLAS_FLEX_HIDE_SNAPSHOT_URLS: "perhaps" } });
    expect(code).toBe(0);
    expect(step("settings")?.state).toBe("warning");
  });

  test("settings that leave no tool fail", async () => {
    const { failed, step } = await checked({ args: ["--simulate", "--read-only", "--tools", "save_flex_snapshot"] });
    expect(failed).toEqual(["tools"]);
    expect(step("tools")?.found).toBe("none of 9 (read-only, --tools, links hidden)");
  });

  test("all problems of the simulator are shown at once, one line per order", async () => {
    const { failed, step } = await checked({
      args: ["--simulate"],
      env: {
        ATLAS_FLEX_SIMULATOR_BYTES: "abc",
        ATLAS_FLEX_SIMULATOR_RATE: "def",
        ATLAS_FLEX_SIMULATOR_ORDERS: "api=nonsense,api=503*1,file=mischief",
      },
    });
    expect(failed).toEqual(["settings"]);
    expect(step("settings")?.whatToDo?.split("\n")).toEqual([
      "ATLAS_FLEX_SIMULATOR_BYTES must be a whole number, optionally followed by KiB, MiB or GiB, and at most 64 GiB.",
      "ATLAS_FLEX_SIMULATOR_RATE must be a whole number, optionally followed by KiB, MiB or GiB, and at most 64 GiB.",
      expect.stringContaining('ATLAS_FLEX_SIMULATOR_ORDERS: Unknown fault "nonsense"'),
      expect.stringContaining('ATLAS_FLEX_SIMULATOR_ORDERS: Unknown fault "mischief"'),
    ]);
    expect(step("connection")?.found).toBe("not tried: the settings that lead to Atlas have to be corrected first");
  });

  test("wrong settings that do not affect the route to Atlas leave the network steps running", async () => {
    const simulator = await simulatorFor();
    const { failed, step } = await checkedAgainst(simulator, {
      ...SERVICE_ACCOUNT,
      ATLAS_FLEX_LOG_LEVEL: "verbose",
      ATLAS_FLEX_TOOLS: "list_flex_cluster",
      ATLAS_FLEX_ALLOWED_PROJECTS: `${SIMULATED.groupId},5fa100000000000000000Ob1`,
    });
    expect(failed).toEqual(["settings", "tools"]);
    expect(step("settings")?.whatToDo).toContain("wrong: entry 2.");
    expect(step("projects")?.found).toBe(`1 allowed project: "Simulated shop" (${SIMULATED.groupId})`);
    expect(step("snapshots")?.state).toBe("ok");
    expect(step("tools")?.found).toMatch(/^9 of 9 \(ATLAS_FLEX_TOOLS\), since not every name in it is one of a tool: /);
  });

  test("an unusable base URL or proxy fails its own step too, and nothing is sent", async () => {
    const simulator = await simulatorFor();
    const { failed, step } = await checked({
      env: {
        ...SERVICE_ACCOUNT,
        MONGODB_ATLAS_BASE_URL: "https://cloud.mongodb.com/api/atlas/v2",
        HTTPS_PROXY: "socks5://127.0.0.1:1",
        HTTP_PROXY: simulator.baseUrl,
      },
    });
    expect(failed).toEqual(["settings", "atlas-address", "proxy"]);
    expect(step("proxy")?.found).toBe("HTTPS_PROXY cannot be used");
    expect(step("settings")?.found).toContain("HTTPS_PROXY, HTTP_PROXY");
    expect(step("connection")?.found).toMatch(/^not tried: /);
    expect(simulator.requests).toEqual([]);
  });

  test.each(["flase", "$SIMULATE"])("whether to simulate is not guessed from %s, and nothing is sent", async (word) => {
    const simulator = await simulatorFor();
    const { failed, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ATLAS_FLEX_SIMULATE: word });
    expect(failed).toEqual(["settings"]);
    expect(step("connection")?.found).toBe("not tried: the settings that lead to Atlas have to be corrected first");
    expect(simulator.count("api") + simulator.count("unknown")).toBe(0);
  });

  test("switches that a host left unfilled are on: the step of the tools says read-only", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_READ_ONLY: "${user_config.read_only}" };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual([]);
    expect(step("tools")?.found).toMatch(/ \(read-only, links hidden\): /);
  });

  test("a misspelt variable gets a warning, is not listed as set, and keeps its value secret", async () => {
    const env = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1", MONGODB_ATLAS_CLIENTSECRET: "canary-of-a-secret" };
    const { step } = await checkedAgainst(await simulatorFor(), env);
    expect(step("settings")?.found).not.toContain("CLIENTSECRET");
    expect(step("settings")?.whatToDo).toContain("did you mean MONGODB_ATLAS_CLIENT_SECRET?");
  });
});
