import { expect, test } from "vitest";
import { signWithApiKey } from "../../src/auth/digest.ts";
import { failureOf } from "../http/requests.ts";
import { type Answer, atOnce, serveAtlas, unauthorized } from "./atlas.ts";
import { digestServer, KEY } from "./digest-server.ts";

async function setUp(rules: Parameters<typeof digestServer>[0] = {}) {
  const digest = digestServer(rules);
  const atlas = await serveAtlas({ api: digest.handle });
  return { digest, atlas, signer: signWithApiKey(KEY, atlas.context) };
}

test.each(["MD5", "SHA-256"] as const)("a %s challenge is answered, body and query intact", async (algorithm) => {
  const { atlas, signer, digest } = await setUp({ algorithm });
  const response = await signer.send(
    atlas.request({ method: "POST", body: '{"snapshotId":"x"}', freshConnection: true }),
  );
  expect(response).toMatchObject({ status: 200, json: { echo: '{"snapshotId":"x"}' } });
  expect(digest.seen).toEqual({ unsigned: 1, stale: 0, wrong: 0, accepted: 1 });
});

test("a known nonce signs later requests with rising counts, without another challenge", async () => {
  const { atlas, signer, digest } = await setUp();
  for (let call = 0; call < 5; call += 1) await signer.send(atlas.request());
  expect(digest.seen).toMatchObject({ unsigned: 1, accepted: 5 });
  const counts = atlas.seen.api.slice(1).map(({ headers }) => /nc=(\w+)/.exec(headers.authorization ?? "")?.[1]);
  expect(counts).toEqual(["00000001", "00000002", "00000003", "00000004", "00000005"]);
  const cnonces = atlas.seen.api.slice(1).map(({ headers }) => /cnonce="(\w+)"/.exec(headers.authorization ?? "")?.[1]);
  expect(new Set(cnonces).size).toBe(5);
});

test("concurrent calls succeed although they reach the server out of order", async () => {
  const digest = digestServer();
  const atlas = await serveAtlas({ api: digest.handle });
  let seed = 1;
  const signer = signWithApiKey(KEY, {
    send: async (request) => {
      seed = (seed * 48_271) % 2_147_483_647;
      await new Promise((resolve) => setTimeout(resolve, seed % 30));
      return atlas.context.send(request);
    },
  });
  const statuses: number[] = [];
  const caller = async () => {
    for (let call = 0; call < 25; call += 1) statuses.push((await signer.send(atlas.request())).status);
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(digest.seen).toMatchObject({ wrong: 0, accepted: 200 });
  // Each request is called stale at most once: no other request uses its next nonce.
  expect(digest.seen.stale).toBeLessThanOrEqual(200);
});

test("fifty concurrent first calls are each challenged, and all succeed", async () => {
  const { atlas, signer, digest } = await setUp();
  const responses = await atOnce(50, signer, atlas.request);
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect(digest.seen).toMatchObject({ stale: 0, wrong: 0, accepted: 50 });
});

test("a stale nonce is replaced once per request", async () => {
  const { atlas, signer, digest } = await setUp({ nonceUses: 2 });
  for (let call = 0; call < 6; call += 1) expect((await signer.send(atlas.request())).status).toBe(200);
  expect(digest.seen).toEqual({ unsigned: 1, stale: 2, wrong: 0, accepted: 6 });
});

test("a nonce that the server has forgotten is replaced", async () => {
  const { atlas, signer, digest } = await setUp();
  await signer.send(atlas.request());
  digest.forget();
  expect((await signer.send(atlas.request({ method: "POST", body: "again" }))).json).toEqual({ echo: "again" });
});

test("the nonce in Authentication-Info signs the next request, and its count starts at one", async () => {
  const { atlas, signer, digest } = await setUp({ announceNext: true, nonceUses: 1 });
  for (let call = 0; call < 4; call += 1) await signer.send(atlas.request());
  expect(digest.seen).toEqual({ unsigned: 1, stale: 0, wrong: 0, accepted: 4 });
});

test("a wrong key is reported after one signed attempt, and the next call starts anew", async () => {
  const { atlas, signer, digest } = await setUp({ privateKey: "another" });
  const failure = await failureOf(signer.send(atlas.request()));
  expect(failure.envelope).toMatchObject({ errorCode: "INVALID_CREDENTIALS", error: 401, retryable: false });
  expect(digest.seen).toEqual({ unsigned: 1, stale: 0, wrong: 1, accepted: 0 });
  await failureOf(signer.send(atlas.request()));
  expect(digest.seen).toMatchObject({ unsigned: 2, wrong: 2 });
});

test("a server that calls every nonce stale gets two signed attempts", async () => {
  const { atlas, signer, digest } = await setUp({ nonceUses: 0 });
  const failure = await failureOf(signer.send(atlas.request()));
  expect(failure.envelope).toMatchObject({ errorCode: "UNREADABLE_RESPONSE", error: 401, source: "atlas" });
  expect(failure.envelope.detail).toContain("nobody has judged the API key");
  expect(digest.seen).toMatchObject({ unsigned: 1, stale: 2 });
});

test("a 401 about a role is returned unchanged, for the first request and with a known nonce", async () => {
  const role: Answer = { status: 401, body: { error: 401, errorCode: "USER_UNAUTHORIZED" } };
  const { atlas, signer, digest } = await setUp({ answer: () => role });
  expect(await signer.send(atlas.request())).toMatchObject({ status: 401, json: { errorCode: "USER_UNAUTHORIZED" } });
  expect(await signer.send(atlas.request())).toMatchObject({ status: 401 });
  expect(digest.seen).toEqual({ unsigned: 1, stale: 0, wrong: 0, accepted: 2 });
});

test("a stale nonce is replaced even if its 401 has the code of a missing role", async () => {
  const digest = digestServer({ nonceUses: 1 });
  const atlas = await serveAtlas({
    api: (request) => {
      const answer = digest.handle(request);
      return answer.status === 401 ? { ...answer, body: { error: 401, errorCode: "USER_UNAUTHORIZED" } } : answer;
    },
  });
  const signer = signWithApiKey(KEY, atlas.context);
  for (let call = 0; call < 4; call += 1) expect((await signer.send(atlas.request())).status).toBe(200);
});

test("the challenge of an unsigned request is answered, whatever error code its 401 has", async () => {
  const digest = digestServer();
  const atlas = await serveAtlas({
    api: (request) => {
      const answer = digest.handle(request);
      return answer.status === 401 ? { ...answer, body: { error: 401, errorCode: "NO_CURRENT_USER" } } : answer;
    },
  });
  expect((await signWithApiKey(KEY, atlas.context).send(atlas.request())).status).toBe(200);
});

test("a 401 without a supported challenge ends the call, and the key is not used", async () => {
  for (const challenge of [undefined, "Bearer", 'Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"']) {
    const headers = challenge === undefined ? {} : { "www-authenticate": challenge };
    const atlas = await serveAtlas({ api: () => ({ ...unauthorized, headers }) });
    const failure = await failureOf(signWithApiKey(KEY, atlas.context).send(atlas.request()));
    expect(failure.envelope).toMatchObject({ errorCode: "UNREADABLE_RESPONSE", error: 401 });
    expect(atlas.seen.api.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  }
});

test("the private key is never sent", async () => {
  const { atlas, signer } = await setUp();
  await signer.send(atlas.request());
  const sent = JSON.stringify(atlas.seen.api);
  expect(sent).toContain("abcdefgh");
  expect(sent).not.toContain("private");
});
