import { expect, test } from "vitest";
import { createSigner } from "../../src/auth/sign.ts";
import type { Credentials } from "../../src/config/types.ts";
import { failureOf, get } from "../http/requests.ts";
import { serve } from "../http/servers.ts";
import { serveAtlas, unauthorized } from "./atlas.ts";
import { digestServer, KEY } from "./digest-server.ts";

const kinds: [string, Credentials, string][] = [
  [
    "service account",
    { kind: "service-account", clientId: "mdb_sa_id_1", clientSecret: "mdb_sa_sk_1234567890" },
    "Bearer ",
  ],
  ["API key", { kind: "api-key", ...KEY }, "Digest "],
  ["access token", { kind: "access-token", token: "ready-made" }, "Bearer ready-made"],
];

test.each(kinds)("a %s signs requests in its own way", async (_, credentials, start) => {
  const digest = digestServer();
  const atlas = await serveAtlas({ api: credentials.kind === "api-key" ? digest.handle : () => ({ status: 200 }) });
  const signer = createSigner(credentials, atlas.context);
  expect((await signer.send(atlas.request({ headers: { accept: "a/b" } }))).status).toBe(200);
  const { authorization, accept } = atlas.seen.api.at(-1)?.headers ?? {};
  expect(authorization?.startsWith(start)).toBe(true);
  expect(accept).toBe("a/b");
  await signer.close();
});

test.each(kinds)("a %s is never sent to any origin but the configured one", async (_, credentials) => {
  const atlas = await serveAtlas({});
  const elsewhere = await serve((_, response) => response.writeHead(401, { "www-authenticate": "Digest" }).end());
  const signer = createSigner(credentials, atlas.context);
  const https = new URL(atlas.server.url);
  https.protocol = "https:";
  for (const url of [elsewhere.url, https, new URL("http://user@localhost/")]) {
    const failure = await failureOf(signer.send(get(url, { deadline: atlas.clock.now() + 1_000 })));
    expect(failure.code).toBe("INTERNAL_ERROR");
    expect(failure.message).not.toContain("/api");
  }
  expect(elsewhere.connections()).toBe(0);
});

test("a rejected access token is named as the cause; a 401 about a role is returned unchanged", async () => {
  const credentials = { kind: "access-token", token: "ready-made" } as const;
  const rejecting = await serveAtlas({ api: () => unauthorized });
  const failure = await failureOf(createSigner(credentials, rejecting.context).send(rejecting.request()));
  expect(failure.envelope).toMatchObject({ errorCode: "ACCESS_TOKEN_REJECTED", error: 401 });
  expect(rejecting.seen.api).toHaveLength(1);

  const roleless = await serveAtlas({ api: () => ({ status: 401, body: { errorCode: "NOT_IN_GROUP" } }) });
  const response = await createSigner(credentials, roleless.context).send(roleless.request());
  expect(response).toMatchObject({ status: 401, json: { errorCode: "NOT_IN_GROUP" } });
  expect(roleless.seen.token).toEqual([]);
});

test("an access token from the configuration is not revoked", async () => {
  const atlas = await serveAtlas({});
  const signer = createSigner({ kind: "access-token", token: "ready-made" }, atlas.context);
  await signer.send(atlas.request());
  await signer.close();
  expect(atlas.seen.revoke).toEqual([]);
});
