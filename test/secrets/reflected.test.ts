import { randomBytes } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { startStdioServer } from "../faults/station.ts";
import { CLUSTER, temporaryFolder } from "../fixtures.ts";
import { serve } from "../http/servers.ts";
import { leaksIn } from "./sentinels.ts";

const CLIENT_SECRET = "mdb_sa_sk_SENTINEL-c2VjcmV0+/with=specials";
/** Longer than any text that the server passes on, so that every cut is inside the token. */
const ACCESS_TOKEN = `SENTINEL-${randomBytes(300).toString("base64url")}`;

interface Reflection {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** An Atlas that answers every request of the API with the reflection of its Authorization header. */
async function startReflectingAtlas(reflect: (authorization: string) => Reflection): Promise<string> {
  const { url } = await serve((request, response) => {
    request.resume();
    const isToken = request.url === "/api/oauth/token";
    const { status, body, headers }: Reflection = isToken
      ? { status: 200, body: { access_token: ACCESS_TOKEN, token_type: "Bearer" } }
      : reflect(request.headers.authorization ?? "");
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  });
  return url.origin;
}

/** An error of the API with some fields replaced. */
const error = (fields: object): Reflection => ({
  status: 403,
  body: { error: 403, errorCode: "ACCESS_FORBIDDEN", reason: "Forbidden", detail: "No.", parameters: [], ...fields },
});
/** A project, cluster, snapshot and job in one, with the text in every field. */
const named = (text: string) => ({
  ...{ id: "5fa1000000000000000000e7", name: text, stateName: text, mongoDBVersion: text, status: text },
  ...{ deliveryType: "DOWNLOAD", instanceName: text, scheduledTime: text, providerSettings: { regionName: text } },
  ...{ links: [{ rel: text, href: `https://atlas.example/${text}` }], snapshotUrl: `https://files.example/${text}` },
});
const bare = (authorization: string) => authorization.replace(/^\w+ /, "");
const before = (length: number, text: string) => `${"x".repeat(length - 1)} ${text}`;

/** The places where an answer can repeat a credential, and the forms that the credential can have. */
const REFLECTIONS: Record<string, (authorization: string) => Reflection> = {
  "unchanged, in detail": (sent) => error({ detail: `You sent ${sent}.` }),
  "without its scheme": (sent) => error({ detail: `You sent ${bare(sent)}` }),
  "where detail is cut": (sent) => error({ detail: before(480, bare(sent)) }),
  "where reason is cut": (sent) => error({ reason: before(200, bare(sent)) }),
  "at the start of reason": (sent) => error({ reason: bare(sent) }),
  "as the code": (sent) => error({ errorCode: bare(sent) }),
  "as the code, cut": (sent) => error({ errorCode: before(80, bare(sent)) }),
  "as the code in a header": (sent) => ({ status: 403, body: {}, headers: { "x-error-code": bare(sent) } }),
  "as an OAuth error": (sent) => ({ status: 403, body: { error: bare(sent), error_description: sent } }),
  "in parameters": (sent) => error({ parameters: [bare(sent), before(480, bare(sent)), { deep: [bare(sent)] }] }),
  "as a parameter's name": (sent) => error({ parameters: [{ [bare(sent)]: 1 }] }),
  "in fields": (sent) =>
    error({
      badRequestDetail: {
        fields: [
          { field: bare(sent), description: bare(sent) },
          { field: before(250, bare(sent)), description: before(240, bare(sent)) },
        ],
      },
    }),
  "with invisible characters inside": (sent) => error({ detail: bare(sent).replace(/(.{7})/g, "$1\u200b") }),
  "with escape sequences inside": (sent) => error({ detail: bare(sent).replace(/(.{7})/g, "$1\u001b[1m") }),
  "percent-encoded": (sent) =>
    error({ detail: encodeURIComponent(sent), parameters: [encodeURIComponent(bare(sent))] }),
  "in base64": (sent) => error({ detail: Buffer.from(`{"a":"${bare(sent)}"}`).toString("base64") }),
  "in a link": (sent) =>
    error({ detail: `See https://atlas.example/?token=${bare(sent)}&X-Amz-Signature=${bare(sent)}` }),
  "with a redirect": (sent) => ({
    status: 302,
    body: {},
    headers: { location: `https://evil.example/?${bare(sent)}` },
  }),
  "with an invalid success": (sent) => ({ status: 200, body: sent }),
  "in every text of a page": (sent) => ({ status: 200, body: { results: [named(bare(sent))] } }),
  "in every text of a job": (sent) => ({ status: 200, body: named(bare(sent)) }),
  "in every text of a job, with invisible characters inside": (sent) => ({
    status: 200,
    body: named(bare(sent).replace(/(.{7})/g, "$1\u200b")),
  }),
  "with a 401": (sent) => ({ ...error({ detail: bare(sent) }), status: 401 }),
  "with an internal error of Atlas": (sent) => ({ ...error({ detail: bare(sent) }), status: 500 }),
};

const CALLS = [
  ["list_flex_clusters", {}],
  ["list_flex_snapshots", CLUSTER],
  ["get_restore_job", { ...CLUSTER, restoreJobId: "5fa1000000000000000000e7" }],
  ["request_flex_snapshot_download", { ...CLUSTER, snapshotId: "5fa1000000000000000000c7" }],
] as const;

describe("credentials that Atlas repeats", () => {
  test.each(["service account", "access token", "base64 of the client's pair"])("stay secret (%s)", async (kind) => {
    let reflect = (_: string): Reflection => ({ status: 500, body: {} });
    const basic = Buffer.from(`mdb_sa_id_5fa1:${CLIENT_SECRET}`).toString("base64");
    const baseUrl = await startReflectingAtlas((sent) => reflect(kind.startsWith("base64") ? `Basic ${basic}` : sent));
    const folder = await temporaryFolder();
    const server = await startStdioServer({
      env: {
        HOME: folder,
        MONGODB_ATLAS_BASE_URL: baseUrl,
        ATLAS_FLEX_LOG_LEVEL: "trace",
        ...(kind === "access token"
          ? { MONGODB_ATLAS_ACCESS_TOKEN: ACCESS_TOKEN }
          : { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_5fa1", MONGODB_ATLAS_CLIENT_SECRET: CLIENT_SECRET }),
      },
    });
    onTestFinished(() => void server.child.kill("SIGKILL"));

    const leaks: Record<string, string[]> = {};
    for (const [name, reflection] of Object.entries(REFLECTIONS)) {
      reflect = reflection;
      const seen = server.output.stdout.length + server.output.stderr.length;
      const calls = name.includes("redirect") || name.includes("internal error") ? CALLS.slice(0, 3) : CALLS;
      await Promise.all(calls.map(([tool, args]) => server.call(tool, args)));
      expect(server.output.stdout.length + server.output.stderr.length).toBeGreaterThan(seen);
      const found = leaksIn(server.output.stdout + server.output.stderr, {
        token: ACCESS_TOKEN,
        secret: CLIENT_SECRET,
      });
      if (found.length > 0) {
        leaks[name] = found;
        server.output.stdout = "";
        server.output.stderr = "";
      }
    }
    expect(leaks).toEqual({});
    expect(await server.leave()).toEqual({ code: 0, signal: null });
    expect(server.violations).toEqual([]);
  });
});
