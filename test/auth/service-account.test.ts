import { once } from "node:events";
import { expect, test } from "vitest";
import { signWithServiceAccount } from "../../src/auth/service-account.ts";
import { neverSent } from "../../src/core/errors.ts";
import { failureOf } from "../http/requests.ts";
import { atOnce, serveAtlas, token, unauthorized } from "./atlas.ts";

const account = { clientId: "mdb_sa_id_5fa1", clientSecret: "mdb_sa_sk_s/e+cret%" };

test("fifty concurrent calls share one token, requested in the form that Atlas expects", async () => {
  const atlas = await serveAtlas({});
  const signer = signWithServiceAccount(account, atlas.context);
  const responses = await atOnce(50, signer, atlas.request);
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect(atlas.seen.token).toMatchObject([
    {
      method: "POST",
      headers: {
        accept: "application/json",
        authorization: `Basic ${Buffer.from("mdb_sa_id_5fa1:mdb_sa_sk_s/e+cret%").toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "grant_type=client_credentials",
    },
  ]);
  expect(new Set(atlas.seen.api.map(({ headers }) => headers.authorization))).toEqual(
    new Set(["Bearer access-token-0001"]),
  );
  expect(atlas.secrets).toEqual(["access-token-0001"]);
});

test.each([
  ["ninety seconds before it expires", 3600, 3_510_000],
  ["after half of a short lifetime", 120, 60_000],
  ["after half a minute if its stated lifetime is zero", 0, 30_000],
  ["within a day, however long its stated lifetime", 1e300, 86_310_000],
  ["within an hour if no lifetime is stated", undefined, 3_510_000],
  ["within an hour if its lifetime is not a number", "soon", 3_510_000],
])("a token is renewed %s", async (_, expires_in, atMs) => {
  const atlas = await serveAtlas({ token: (_, count) => token(`access-token-000${count}`, { expires_in }) });
  const signer = signWithServiceAccount(account, atlas.context);
  await signer.send(atlas.request());
  await atlas.clock.advance(atMs - 1);
  await signer.send(atlas.request());
  expect(atlas.seen.token).toHaveLength(1);
  await atlas.clock.advance(1);
  await signer.send(atlas.request());
  expect(atlas.seen.token).toHaveLength(2);
  expect(atlas.seen.api.at(-1)?.headers.authorization).toBe("Bearer access-token-0002");
});

test("a failed renewal does not matter while the old token is valid", async () => {
  const atlas = await serveAtlas({ token: (_, count) => (count === 1 ? token() : { status: 503, body: "<html>" }) });
  const signer = signWithServiceAccount(account, atlas.context);
  await signer.send(atlas.request());
  await atlas.clock.advance(3_550_000);
  await signer.send(atlas.request());
  expect(atlas.seen.api.at(-1)?.headers.authorization).toBe("Bearer access-token-0001");
  await atlas.clock.advance(60_000);
  expect((await failureOf(signer.send(atlas.request()))).code).toBe("TOKEN_REQUEST_FAILED");
});

test("a call cancelled while it waits for a token ends at once, and the fetch continues for the others", async () => {
  const release = new EventTarget();
  const atlas = await serveAtlas({
    token: async () => {
      await once(release, "release");
      return token();
    },
  });
  const signer = signWithServiceAccount(account, atlas.context);
  const controller = new AbortController();
  const cancelled = signer.send(atlas.request({ signal: controller.signal }));
  const other = signer.send(atlas.request());
  controller.abort("cancelled by the client");
  await expect(cancelled).rejects.toBe("cancelled by the client");
  await expect(signer.send(atlas.request({ signal: AbortSignal.abort("earlier") }))).rejects.toBe("earlier");
  await expect.poll(() => atlas.seen.token.length).toBe(1);
  release.dispatchEvent(new Event("release"));
  expect((await other).status).toBe(200);
  expect(atlas.seen.token).toHaveLength(1);
});

test("each call waits for the token only until its own deadline", async () => {
  const atlas = await serveAtlas({ token: () => "hang" });
  const signer = signWithServiceAccount(account, atlas.context);
  const impatient = failureOf(signer.send(atlas.request({ deadline: atlas.clock.now() + 1_000 })));
  const patient = failureOf(signer.send(atlas.request()));
  await expect.poll(() => atlas.seen.token.length).toBe(1);
  await atlas.clock.advance(1_000);
  expect((await impatient).code).toBe("TIMEOUT");
  expect(neverSent(await impatient)).toBe(true);
  await atlas.clock.advance(19_000);
  expect((await patient).code).toBe("TIMEOUT");
  expect(neverSent(await patient)).toBe(true);
  expect(atlas.seen.token).toHaveLength(1);
});

test("fifty concurrent calls with a rejected token cause one new token, and each is repeated once with it", async () => {
  const atlas = await serveAtlas({
    token: (_, count) => token(`access-token-000${count}`),
    api: ({ headers }) => (headers.authorization === "Bearer access-token-0002" ? { status: 200 } : unauthorized),
  });
  const signer = signWithServiceAccount(account, atlas.context);
  const responses = await atOnce(50, signer, () => atlas.request({ method: "POST", body: "{}" }));
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect(atlas.seen.token).toHaveLength(2);
  expect(atlas.seen.api).toHaveLength(100);
});

test("a token is replaced at most once a minute; a rejection within that minute is returned unchanged", async () => {
  const atlas = await serveAtlas({ token: (_, count) => token(`access-token-000${count}`), api: () => unauthorized });
  const signer = signWithServiceAccount(account, atlas.context);
  for (let call = 0; call < 5; call += 1) expect((await signer.send(atlas.request())).status).toBe(401);
  expect(atlas.seen.token).toHaveLength(2);
  await atlas.clock.advance(60_000);
  expect((await signer.send(atlas.request())).status).toBe(401);
  expect(atlas.seen.token).toHaveLength(3);
});

test("setting the clock back an hour does not delay the replacement of a token", async () => {
  const atlas = await serveAtlas({ token: (_, count) => token(`access-token-000${count}`), api: () => unauthorized });
  const signer = signWithServiceAccount(account, atlas.context);
  await signer.send(atlas.request());
  await atlas.clock.advance(-3_600_000);
  await signer.send(atlas.request());
  await signer.send(atlas.request());
  expect(atlas.seen.token).toHaveLength(3);
});

test.each([
  "USER_UNAUTHORIZED",
  "NOT_IN_GROUP",
  "USER_CANNOT_ACCESS_GROUP",
  "USER_CANNOT_ACCESS_ORG",
  "NO_CURRENT_USER",
  "TENANT_SNAPSHOT_ACCESS_DENIED",
])("a 401 with %s is about a role: it is returned, and the token is kept", async (errorCode) => {
  const atlas = await serveAtlas({ api: () => ({ status: 401, body: { error: 401, errorCode } }) });
  const signer = signWithServiceAccount(account, atlas.context);
  expect(await signer.send(atlas.request())).toMatchObject({ status: 401, json: { errorCode } });
  expect(atlas.seen.token).toHaveLength(1);
  expect(atlas.seen.api).toHaveLength(1);
});

test("closing revokes the token with the service account's own credentials", async () => {
  const atlas = await serveAtlas({ token: () => token("a+b/c-0123456789=") });
  const signer = signWithServiceAccount(account, atlas.context);
  await signer.send(atlas.request());
  await signer.close();
  expect(atlas.seen.revoke).toMatchObject([
    {
      headers: { authorization: atlas.seen.token[0]?.headers.authorization },
      body: "token=a%2Bb%2Fc-0123456789%3D&token_type_hint=access_token",
    },
  ]);
});

test("closing revokes a token that is still being fetched, sends nothing if there is no token, and never hangs", async () => {
  const unused = await serveAtlas({});
  await signWithServiceAccount(account, unused.context).close();
  expect(unused.server.connections()).toBe(0);

  const busy = await serveAtlas({});
  const signer = signWithServiceAccount(account, busy.context);
  const response = signer.send(busy.request());
  await signer.close();
  expect(busy.seen.revoke).toHaveLength(1);
  await response;

  const stuck = await serveAtlas({ revoke: () => "hang" });
  const stuckSigner = signWithServiceAccount(account, stuck.context);
  await stuckSigner.send(stuck.request());
  const closed = stuckSigner.close();
  await expect.poll(() => stuck.seen.revoke.length).toBe(1);
  await stuck.clock.advance(1_500);
  await closed;
});
