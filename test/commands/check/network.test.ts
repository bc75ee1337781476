import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { caCertificates, clockSkew } from "../../../src/commands/check/network.ts";
import { SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { closedPort, serve, serveBytes, serveProxy, serveTls } from "../../http/servers.ts";
import { checked, checkedAgainst } from "./checked.ts";

const tls = {
  cert: readFileSync("test/fixtures/server.pem", "utf8"),
  key: readFileSync("test/fixtures/server-key.pem", "utf8"),
};
const UNAUTHORIZED = JSON.stringify({ error: 401, reason: "Unauthorized", detail: "You are not authorized." });
const DEPENDENT = ["clock", "api-access-list", "projects", "flex-clusters", "snapshots"];

/** Refuses like Atlas; its clock is `skewMs` ahead. */
const refuses =
  (skewMs = 0): RequestListener =>
  (_, response) => {
    const headers = { "content-type": "application/json", date: new Date(Date.now() + skewMs).toUTCString() };
    response.writeHead(401, headers).end(UNAUTHORIZED);
  };

describe("the step of the connection", () => {
  test("fails when nobody listens, and the steps that need Atlas are not tried", async () => {
    const baseUrl = `http://127.0.0.1:${await closedPort()}`;
    const { failed, step } = await checkedAgainst({ baseUrl });
    expect(failed).toEqual(["connection"]);
    expect(step("connection")).toMatchObject({
      errorCode: "CONNECTION_FAILED",
      found: expect.stringContaining("ECONNREFUSED"),
      whatToDo: expect.stringContaining("MONGODB_ATLAS_BASE_URL"),
    });
    for (const id of DEPENDENT) expect(step(id)?.found).toBe("not tried: Atlas was not reached");
    expect(step("credentials")?.found).toMatch(/^not tried: Atlas was not reached; configured: service account/);
  });

  test("fails with CONNECTION_LOST when the server hangs up", async () => {
    const { url } = await serveBytes((socket) => socket.once("data", () => socket.destroy()));
    const { failed, step } = await checkedAgainst({ baseUrl: url.origin });
    expect(failed).toEqual(["connection"]);
    expect(step("connection")?.errorCode).toBe("CONNECTION_LOST");
  });

  const others: [string, RequestListener, string, RegExp][] = [
    [
      "an HTML page",
      (_, response) => response.setHeader("content-type", "text/html").end("<html>Log in to the guest network</html>"),
      "UNREADABLE_RESPONSE",
      /captive portal/,
    ],
    [
      "a success without credentials",
      (_, response) => response.end('{"results":[]}'),
      "UNREADABLE_RESPONSE",
      /captive portal/,
    ],
    [
      "the HTML page of a gateway",
      (_, response) => response.writeHead(503, { "content-type": "text/html" }).end("<html>Unavailable</html>"),
      "UNREADABLE_RESPONSE",
      /maintenance.*MONGODB_ATLAS_BASE_URL/,
    ],
    [
      "a redirect",
      (_, response) => response.writeHead(302, { location: "https://elsewhere.example/login" }).end(),
      "REDIRECT_REFUSED",
      /captive portal/,
    ],
  ];

  test.each(others)(
    "fails when the answer is %s, and no credentials are sent",
    async (_, listener, errorCode, advice) => {
      const authorizations: unknown[] = [];
      const { url } = await serve((request, response) => {
        authorizations.push(request.headers.authorization);
        listener(request, response);
      });
      const { failed, step } = await checkedAgainst({ baseUrl: url.origin });
      expect(failed).toEqual(["connection"]);
      expect(step("connection")).toMatchObject({ errorCode, whatToDo: expect.stringMatching(advice) });
      expect(authorizations).toEqual([undefined]);
    },
  );
});

describe("the step of the proxy", () => {
  const behind = (proxy: string) => ({
    ...SERVICE_ACCOUNT,
    MONGODB_ATLAS_BASE_URL: "https://atlas.test",
    HTTPS_PROXY: proxy,
  });

  test("fails when the proxy is down, and hides its password", async () => {
    const port = await closedPort();
    const { failed, step } = await checked({ env: behind(`http://person:canary-password@127.0.0.1:${port}`) });
    expect(failed).toEqual(["proxy"]);
    expect(step("proxy")).toMatchObject({
      errorCode: "PROXY_FAILED",
      found: expect.stringMatching(
        new RegExp(
          `^HTTPS_PROXY is http://127.0.0.1:${port} with user name and password\\. PROXY_FAILED: .*ECONNREFUSED`,
        ),
      ),
      whatToDo: expect.stringContaining("HTTPS_PROXY"),
    });
    expect(step("connection")?.found).toBe("not tried: the proxy did not let it through");
    expect(step("projects")?.found).toBe("not tried: Atlas was not reached");
  });

  test("fails when the proxy asks for a login", async () => {
    const { port } = await serveProxy(1, { authorization: "Basic eA==" });
    const { failed, step } = await checked({ env: behind(`http://127.0.0.1:${port}`) });
    expect(failed).toEqual(["proxy"]);
    expect(step("proxy")?.found).toContain("answered 407");
  });

  test("is ok when the server behind the proxy has an unknown certificate: only the connection fails", async () => {
    const server = await serveTls(tls, refuses());
    const { port } = await serveProxy(server.port);
    const { failed, step } = await checked({ env: behind(`http://127.0.0.1:${port}`) });
    expect(failed).toEqual(["connection"]);
    expect(step("proxy")).toMatchObject({ state: "ok", found: `HTTPS_PROXY is http://127.0.0.1:${port}` });
    expect(step("connection")).toMatchObject({
      errorCode: "TLS_FAILED",
      whatToDo: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
    });
  });

  test("and that of the connection are ok when NODE_EXTRA_CA_CERTS holds the certificate of the server's CA", async () => {
    const server = await serveTls(tls, refuses());
    const { port } = await serveProxy(server.port);
    const env = { ...behind(`http://127.0.0.1:${port}`), NODE_EXTRA_CA_CERTS: "test/fixtures/ca.pem" };
    const { failed, step } = await checked({ env });
    expect(step("ca-certificates")?.found).toBe("those of Node.js and 1 of NODE_EXTRA_CA_CERTS");
    expect(step("connection")?.state).toBe("ok");
    expect(failed).toEqual(["credentials"]);
  });

  test("warns when only HTTP_PROXY is set and Atlas is not reached", async () => {
    const env = { MONGODB_ATLAS_BASE_URL: "https://atlas.invalid", HTTP_PROXY: "http://127.0.0.1:1" };
    const { step } = await checked({ env });
    expect(step("proxy")).toMatchObject({
      state: "warning",
      found: "HTTP_PROXY does not count for https, and HTTPS_PROXY is not set",
    });
  });

  test("says that a loopback address uses no proxy", async () => {
    const simulator = await simulatorFor();
    const { code, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, HTTP_PROXY: "http://127.0.0.1:1" });
    expect(code).toBe(0);
    expect(step("proxy")?.found).toBe("not used, since loopback never goes through a proxy");
  });
});

describe("the step of the clock", () => {
  const NOW = Date.UTC(2026, 10, 24, 12);
  const answer = (date: string | undefined) => ({
    value: { response: { status: 401, headers: { date }, json: {} }, askedAt: NOW - 500, cameAt: NOW + 500 },
  });

  test.each([
    [0, "ok", "agrees with Atlas to the minute"],
    [59_000, "ok", "agrees with Atlas to the minute"],
    [-61_000, "warning", "this computer is 61 seconds ahead of Atlas"],
    [5 * 60_000, "warning", "this computer is 5 minutes behind Atlas"],
    [-3 * 3_600_000, "warning", "this computer is 3 hours ahead of Atlas"],
  ])("when Atlas is %i ms ahead: %s", (skewMs, state, found) => {
    expect(clockSkew(answer(new Date(NOW + skewMs).toUTCString()))).toMatchObject({ state, found });
  });

  test.each([[undefined], ["soon"]])("is ok when the date of the answer is %s, which cannot be compared", (date) => {
    expect(clockSkew(answer(date)).state).toBe("ok");
  });

  test("warns with advice in a whole check, and the connection is ok", async () => {
    const { url } = await serve(refuses(5 * 60_000));
    const { step } = await checkedAgainst({ baseUrl: url.origin });
    expect(step("connection")?.state).toBe("ok");
    expect(step("clock")).toMatchObject({
      state: "warning",
      found: "this computer is 5 minutes behind Atlas",
      whatToDo: expect.stringContaining("Set the clock of this computer"),
    });
  });
});

describe("the step of the CA certificates", () => {
  test.each([
    ["is a folder", "/", "cannot be read"],
    ["holds no certificate", "package.json", "holds no certificate in PEM form"],
  ])("fails when the file %s", async (_, path, why) => {
    expect(await caCertificates({ NODE_EXTRA_CA_CERTS: path })).toMatchObject({
      state: "failed",
      found: `The file of NODE_EXTRA_CA_CERTS ${why}: ${path}`,
    });
  });

  test("fails when the file is missing, since Node.js would go on without it", async () => {
    const env = { NODE_EXTRA_CA_CERTS: "/nonexistent/ca.pem" };
    const { failed, step } = await checked({ args: ["--simulate"], env });
    expect(failed).toEqual(["ca-certificates"]);
    expect(step("ca-certificates")?.found).toBe("The file of NODE_EXTRA_CA_CERTS cannot be read: /nonexistent/ca.pem");
    expect(step("settings")?.found).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("fails when the path is in quotes, which Node.js does not take off", async () => {
    const step = await caCertificates({ NODE_EXTRA_CA_CERTS: `"${resolve("test/fixtures/ca.pem")}"` });
    expect(step).toMatchObject({ state: "failed", whatToDo: expect.stringContaining("neither ~ nor quotes") });
  });

  test("counts the certificates", async () => {
    expect(await caCertificates({ NODE_EXTRA_CA_CERTS: "test/fixtures/ca.pem" })).toEqual({
      state: "ok",
      found: "those of Node.js and 1 of NODE_EXTRA_CA_CERTS",
    });
  });

  test("warns when the checking of certificates is switched off", async () => {
    expect(await caCertificates({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toMatchObject({
      state: "warning",
      whatToDo: expect.stringMatching(/^Unset it/),
    });
  });
});
