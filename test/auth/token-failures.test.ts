import { expect, test } from "vitest";
import { signWithServiceAccount } from "../../src/auth/service-account.ts";
import { neverSent } from "../../src/core/errors.ts";
import { failureOf } from "../http/requests.ts";
import { type Answer, serveAtlas, token } from "./atlas.ts";

const account = { clientId: "mdb_sa_id_5fa1", clientSecret: "mdb_sa_sk_secret" };
const refused = (status: number, error: string): Answer => ({ status, body: { error, error_description: "…" } });
const html = "<html><title>Log in to the hotel network</title></html>";

test.each<[string, Answer, object]>([
  [
    "a wrong secret",
    refused(401, "invalid_client"),
    { errorCode: "INVALID_CREDENTIALS", error: 401, retryable: false },
  ],
  [
    "a wrong secret, as RFC 6749 allows",
    refused(400, "invalid_client"),
    { errorCode: "INVALID_CREDENTIALS", error: 400 },
  ],
  [
    "a hundred live tokens",
    refused(403, "access_denied"),
    { errorCode: "TOKEN_LIMIT_REACHED", error: 403, retryable: true },
  ],
  [
    "a 403 of another kind",
    { status: 403, body: html },
    { errorCode: "TOKEN_REQUEST_FAILED", error: 403, retryable: false },
  ],
  [
    "an unsupported grant",
    refused(400, "unsupported_grant_type"),
    { errorCode: "TOKEN_REQUEST_FAILED", error: 400, retryable: false },
  ],
  [
    "a path that does not exist",
    { status: 404, body: html },
    { errorCode: "TOKEN_REQUEST_FAILED", error: 404, retryable: false },
  ],
  [
    "a rate limit",
    { status: 429, body: {}, headers: { "retry-after": "42" } },
    { errorCode: "TOKEN_REQUEST_FAILED", error: 429, retryable: true, retryAfterSeconds: 42 },
  ],
  ["a server error", refused(500, "server_error"), { errorCode: "TOKEN_REQUEST_FAILED", error: 500, retryable: true }],
  ["a gateway's page", { status: 502, body: html }, { errorCode: "TOKEN_REQUEST_FAILED", error: 502, retryable: true }],
  ["a login page", { status: 200, body: html }, { errorCode: "TOKEN_REQUEST_FAILED", error: 200, retryable: true }],
  ["an empty answer", { status: 200, body: "" }, { errorCode: "TOKEN_REQUEST_FAILED", error: 200 }],
  ["a body without token", { status: 200, body: { expires_in: 3600 } }, { errorCode: "TOKEN_REQUEST_FAILED" }],
  ["a token of another type", token(undefined, { token_type: "mac" }), { errorCode: "TOKEN_REQUEST_FAILED" }],
  ["a token of one character", token("t"), { errorCode: "TOKEN_REQUEST_FAILED" }],
  ["a token that may be a word", token("cloud.example-1"), { errorCode: "TOKEN_REQUEST_FAILED" }],
  ["a token that is no string", token("abc", { access_token: 7 }), { errorCode: "TOKEN_REQUEST_FAILED" }],
  ["a token that breaks out of its header", token("abcdefghijklmnop\r\nx: y"), { errorCode: "TOKEN_REQUEST_FAILED" }],
  ["a redirect", { status: 302, headers: { location: "/login" } }, { errorCode: "REDIRECT_REFUSED", error: 302 }],
])(
  "%s at the token endpoint fails the call with a fitting error, nothing sent and no secret revealed",
  async (_, answer, envelope) => {
    const atlas = await serveAtlas({ token: () => answer });
    const failure = await failureOf(signWithServiceAccount(account, atlas.context).send(atlas.request()));
    expect(failure.envelope).toMatchObject(envelope);
    expect(neverSent(failure)).toBe(true);
    expect(JSON.stringify(failure.envelope)).not.toMatch(/mdb_sa_sk|abc|hotel/);
    expect(atlas.seen.api).toEqual([]);
  },
);

test("the token type may be in any letter case or missing", async () => {
  for (const token_type of ["bearer", "BEARER", undefined]) {
    const atlas = await serveAtlas({ token: () => token("access-token-0001", { token_type }) });
    expect((await signWithServiceAccount(account, atlas.context).send(atlas.request())).status).toBe(200);
  }
});

test("a temporary failure is not remembered: the next call fetches again", async () => {
  const atlas = await serveAtlas({ token: (_, count) => (count === 1 ? { status: 503, body: html } : token()) });
  const signer = signWithServiceAccount(account, atlas.context);
  await failureOf(signer.send(atlas.request()));
  expect((await signer.send(atlas.request())).status).toBe(200);
});

test("a refusal is shared by concurrent calls and repeated for ten seconds without asking again", async () => {
  const atlas = await serveAtlas({ token: (_, count) => (count === 1 ? refused(401, "invalid_client") : token()) });
  const signer = signWithServiceAccount(account, atlas.context);
  const attempt = () => failureOf(signer.send(atlas.request()));
  const failures = await Promise.all([attempt(), attempt(), attempt()]);
  failures.push(await attempt());
  await atlas.clock.advance(9_999);
  failures.push(await attempt());
  expect(failures.map(({ code }) => code)).toEqual(Array(5).fill("INVALID_CREDENTIALS"));
  expect(atlas.seen.token).toHaveLength(1);
  await atlas.clock.advance(1);
  expect((await signer.send(atlas.request())).status).toBe(200);
});

test("setting the clock back does not prolong a refusal", async () => {
  const atlas = await serveAtlas({ token: (_, count) => (count === 1 ? refused(401, "invalid_client") : token()) });
  const signer = signWithServiceAccount(account, atlas.context);
  await failureOf(signer.send(atlas.request()));
  await atlas.clock.advance(-3_600_000);
  expect((await signer.send(atlas.request())).status).toBe(200);
});

test("a hanging token endpoint times out after twenty seconds, and the next call fetches again", async () => {
  const atlas = await serveAtlas({ token: (_, count) => (count === 1 ? "hang" : token()) });
  const signer = signWithServiceAccount(account, atlas.context);
  const failure = failureOf(signer.send(atlas.request()));
  await expect.poll(() => atlas.seen.token.length).toBe(1);
  await atlas.clock.advance(20_000);
  expect((await failure).code).toBe("TIMEOUT");
  expect((await signer.send(atlas.request())).status).toBe(200);
});
