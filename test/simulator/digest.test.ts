import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SIMULATED, type Simulator, type SimulatorOptions } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { ACCEPT, createClock, ORDERS, send } from "./harness.ts";

interface Credentials {
  publicKey: string;
  privateKey: string;
}

interface Challenge {
  nonce: string;
  stale: boolean;
}

interface Attempt {
  challenge: Challenge;
  count?: number;
  target?: string;
  credentials?: Credentials;
  /** Header parameters that replace the true ones. */
  lie?: Record<string, string>;
}

const REALM = "MMS Public API";

/** The formulas of RFC 7616 section 3.4.1. */
function response({ user, password, nonce, nc, cnonce, method, uri }: Record<string, string>, realm = REALM) {
  const hash = (text: string) => createHash("md5").update(text).digest("hex");
  return hash(`${hash(`${user}:${realm}:${password}`)}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
}

function authorization(attempt: Attempt, method = "GET"): string {
  const { challenge, count = 1, target = ORDERS, credentials = SIMULATED, lie = {} } = attempt;
  const { nonce } = challenge;
  const { publicKey: user, privateKey: password } = credentials;
  const nc = count.toString(16).padStart(8, "0");
  const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  const said: Record<string, string> = {
    username: `"${user}"`,
    realm: `"${REALM}"`,
    nonce: `"${nonce}"`,
    uri: `"${target}"`,
    algorithm: "MD5",
    qop: "auth",
    nc,
    cnonce: `"${cnonce}"`,
    response: `"${response({ user, password, nonce, nc, cnonce, method, uri: target })}"`,
    ...lie,
  };
  return `Digest ${Object.entries(said)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ")}`;
}

function challengesOf(header: string | undefined): Challenge[] {
  const found = (header ?? "").matchAll(
    /Digest realm="MMS Public API", domain="", nonce="([^"]+)", algorithm=MD5, qop="auth", stale=(true|false)/g,
  );
  return [...found].map(([, nonce = "", stale]) => ({ nonce, stale: stale === "true" }));
}

async function attempt(simulator: Simulator, given?: Attempt) {
  const target = given?.target ?? ORDERS;
  const answer = await send(`${simulator.baseUrl}${target}`, {
    headers: { accept: ACCEPT, ...(given ? { authorization: authorization(given) } : {}) },
  });
  return { ...answer, challenges: challengesOf(answer.headers["www-authenticate"]) };
}

async function challenged(options: SimulatorOptions = {}) {
  const simulator = await simulatorFor(options);
  const { challenges } = await attempt(simulator);
  const [challenge] = challenges;
  if (!challenge) throw new Error("There is no challenge.");
  return { simulator, challenge, challenges };
}

test("the formula of this test gives the MD5 vector of RFC 7616 section 3.9.1", () => {
  const vector = {
    user: "Mufasa",
    password: "Circle of Life",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    nc: "00000001",
    cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    method: "GET",
    uri: "/dir/index.html",
  };
  expect(response(vector, "http-auth@example.org")).toBe("8ca523f5e9506fed4657c9700eebdbec");
});

describe("HTTP Digest", () => {
  test("offers MD5 and accepts its answer", async () => {
    const { simulator, challenge, challenges } = await challenged();
    expect(challenges).toHaveLength(1);
    expect((await attempt(simulator, { challenge })).status).toBe(200);
  });

  test("the uri includes the query", async () => {
    const { simulator, challenge } = await challenged();
    const target = `${ORDERS}/backup/snapshots?itemsPerPage=3&pageNum=2`;
    expect((await attempt(simulator, { challenge, target })).status).toBe(200);
    const lie = { uri: `"${ORDERS}/backup/snapshots"` };
    expect((await attempt(simulator, { challenge, target, count: 2, lie })).status).toBe(401);
  });

  test("a nonce serves many requests whose counts increase, even with gaps", async () => {
    const { simulator, challenge } = await challenged();
    for (const count of [1, 2, 3, 10, 0x1f]) expect((await attempt(simulator, { challenge, count })).status).toBe(200);
  });

  test.each([3, 2])("a count of %i after 3 makes the nonce stale", async (count) => {
    const { simulator, challenge } = await challenged();
    expect((await attempt(simulator, { challenge, count: 3 })).status).toBe(200);
    const replayed = await attempt(simulator, { challenge, count });
    expect(replayed.status).toBe(401);
    expect(replayed.challenges[0]?.stale).toBe(true);
    const [next] = replayed.challenges;
    expect(next && (await attempt(simulator, { challenge: next })).status).toBe(200);
  });

  test("a nonce is stale after its lifetime", async () => {
    const clock = createClock();
    const { simulator, challenge } = await challenged({ now: clock.now, nonceLifetimeMs: 1_000 });
    expect((await attempt(simulator, { challenge })).status).toBe(200);
    clock.advance(1_000);
    const late = await attempt(simulator, { challenge, count: 2 });
    expect({ status: late.status, stale: late.challenges[0]?.stale }).toEqual({ status: 401, stale: true });
  });

  test("an unknown nonce with correct credentials is stale", async () => {
    const { simulator } = await challenged();
    const { status, challenges } = await attempt(simulator, { challenge: { nonce: "made-up", stale: false } });
    expect({ status, stale: challenges[0]?.stale }).toEqual({ status: 401, stale: true });
  });

  test.each([
    ["a wrong key", { credentials: { publicKey: SIMULATED.publicKey, privateKey: "wrong" } }],
    ["an unknown user", { credentials: { publicKey: "nobody", privateKey: "x" } }],
    ["another realm", { lie: { realm: '"elsewhere"' } }],
    ["another protection", { lie: { qop: "auth-int" } }],
    ["a short count", { lie: { nc: "1" } }],
    ["no client nonce", { lie: { cnonce: '""' } }],
    ["another algorithm than offered", { lie: { algorithm: "SHA-256" } }],
    ["an unknown algorithm", { lie: { algorithm: "SHA-512" } }],
    ["an altered response", { lie: { response: '"00000000000000000000000000000000"' } }],
    ["an unfinished quote", { lie: { response: '"0000' } }],
  ])("%s is refused with stale=false", async (_, lies) => {
    const { simulator, challenge } = await challenged();
    const { status, challenges } = await attempt(simulator, { challenge, ...lies });
    expect({ status, stale: challenges[0]?.stale }).toEqual({ status: 401, stale: false });
  });

  test("a POST is signed as a POST", async () => {
    const { simulator, challenge } = await challenged();
    const target = `${ORDERS}/backup/download`;
    const post = (method: string, count: number) =>
      send(`${simulator.baseUrl}${target}`, {
        method: "POST",
        headers: {
          accept: ACCEPT,
          "content-type": ACCEPT,
          authorization: authorization({ challenge, target, count }, method),
        },
        body: JSON.stringify({ snapshotId: SIMULATED.snapshotId }),
      });
    expect((await post("GET", 1)).status).toBe(401);
    expect((await post("POST", 2)).status).toBe(200);
    expect(simulator.jobs).toHaveLength(1);
  });

  test("the access list applies to API keys too", async () => {
    const { simulator, challenge } = await challenged();
    const outside = await attempt(simulator, { challenge, credentials: SIMULATED.outsideAccessList });
    expect(JSON.parse(outside.text)).toMatchObject({ errorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST" });
  });

  test("stale-nonce waits for a request with a nonce", async () => {
    const { simulator, challenge } = await challenged();
    simulator.order("getFlexCluster=stale-nonce*1");
    await attempt(simulator);
    const stale = await attempt(simulator, { challenge });
    expect({ status: stale.status, stale: stale.challenges[0]?.stale }).toEqual({ status: 401, stale: true });
    const [next] = stale.challenges;
    expect(next && (await attempt(simulator, { challenge: next })).status).toBe(200);
  });
});
