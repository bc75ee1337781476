import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { closedPort, serve, serveBytes, serveProxy, serveTls } from "../../http/servers.ts";
import { checked, checkedAgainst } from "./checked.ts";

const tls = {
  cert: readFileSync("test/fixtures/server.pem", "utf8"),
  key: readFileSync("test/fixtures/server-key.pem", "utf8"),
};
const UNAUTHORIZED = JSON.stringify({ error: 401, reason: "Unauthorized", detail: "You are not authorized." });
const DEPENDENT = ["clock", "api-access-list", "projects", "flex-clusters", "snapshots"];

/** Refuses as Atlas does, with the time of its clock. */
const refuses =
  (skewMs = 0): RequestListener =>
  (_, response) => {
    const headers = { "content-type": "application/json", date: new Date(Date.now() + skewMs).toUTCString() };
    response.writeHead(401, headers).end(UNAUTHORIZED);
  };

describe("an address at which Atlas does not answer", () => {
  test("nobody at all fails the connection, and the rest is not tried", async () => {
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

  test("somebody who hangs up says so", async () => {
    const { url } = await serveBytes((socket) => socket.once("data", () => socket.destroy()));
    const { failed, step } = await checkedAgainst({ baseUrl: url.origin });
    expect(failed).toEqual(["connection"]);
    expect(step("connection")?.errorCode).toBe("CONNECTION_LOST");
  });

  const others: [string, RequestListener, string, RegExp][] = [
    [
      "a page of HTML",
      (_, response) => response.setHeader("content-type", "text/html").end("<html>Log in to the guest network</html>"),
      "UNREADABLE_RESPONSE",
      /captive portal/,
    ],
    [
      "a success, which nobody without credentials gets",
      (_, response) => response.end('{"results":[]}'),
      "UNREADABLE_RESPONSE",
      /captive portal/,
    ],
    [
      "a gateway's page",
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

  test.each(others)("%s is not Atlas, so it gets no credentials", async (_, listener, errorCode, advice) => {
    const authorizations: unknown[] = [];
    const { url } = await serve((request, response) => {
      authorizations.push(request.headers.authorization);
      listener(request, response);
    });
    const { failed, step } = await checkedAgainst({ baseUrl: url.origin });
    expect(failed).toEqual(["connection"]);
    expect(step("connection")).toMatchObject({ errorCode, whatToDo: expect.stringMatching(advice) });
    expect(authorizations).toEqual([undefined]);
  });
});

describe("a proxy", () => {
  const behind = (proxy: string) => ({
    ...SERVICE_ACCOUNT,
    MONGODB_ATLAS_BASE_URL: "https://atlas.test",
    HTTPS_PROXY: proxy,
  });

  test("that is dead fails the step of the proxy, without its password", async () => {
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

  test("that wants to know who asks says so", async () => {
    const { port } = await serveProxy(1, { authorization: "Basic eA==" });
    const { failed, step } = await checked({ env: behind(`http://127.0.0.1:${port}`) });
    expect(failed).toEqual(["proxy"]);
    expect(step("proxy")?.found).toContain("answered 407");
  });

  test("that lets a server of an unknown authority through is not to blame; the authority is", async () => {
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

  test("and the authority in NODE_EXTRA_CA_CERTS lead to Atlas", async () => {
    const server = await serveTls(tls, refuses());
    const { port } = await serveProxy(server.port);
    const env = { ...behind(`http://127.0.0.1:${port}`), NODE_EXTRA_CA_CERTS: "test/fixtures/ca.pem" };
    const { failed, step } = await checked({ env });
    expect(step("ca-certificates")?.found).toBe("those of Node.js and 1 of NODE_EXTRA_CA_CERTS");
    expect(step("connection")?.state).toBe("ok");
    expect(failed).toEqual(["credentials"]);
  });

  test("for http only does not count, which matters when Atlas is not reached", async () => {
    const env = { MONGODB_ATLAS_BASE_URL: "https://atlas.invalid", HTTP_PROXY: "http://127.0.0.1:1" };
    const { step } = await checked({ env });
    expect(step("proxy")).toMatchObject({
      state: "warning",
      found: "HTTP_PROXY does not count for https, and HTTPS_PROXY is not set",
    });
  });

  test("is not asked for a loopback address", async () => {
    const simulator = await simulatorFor();
    const { code, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, HTTP_PROXY: "http://127.0.0.1:1" });
    expect(code).toBe(0);
    expect(step("proxy")?.found).toBe("not used, since loopback never goes through a proxy");
  });
});

test("a clock that differs from Atlas's is a warning", async () => {
  const { url } = await serve(refuses(5 * 60_000));
  const { step } = await checkedAgainst({ baseUrl: url.origin });
  expect(step("connection")?.state).toBe("ok");
  expect(step("clock")).toMatchObject({
    state: "warning",
    found: "this computer is 5 minutes behind Atlas",
    whatToDo: expect.stringContaining("Set the clock of this computer"),
  });
});
