import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { StoreEvent } from "../../src/download/contract.ts";
import {
  asRedirect,
  checkedLookup,
  checkLink,
  checkRedirect,
  kindOfAddress,
} from "../../src/download/transfer/host-policy.ts";
import { type Asked, judgeResponse } from "../../src/download/transfer/response-judge.ts";
import { needsFound } from "../platform.ts";
import { type Behaviour, respond, serve, startFaultServer } from "./fault-server.ts";
import { defaultName, hashOf, KIB, namesIn, openStore, remoteFile, saveTo, sha256, stage } from "./fixtures.ts";

async function host(...script: Behaviour[]) {
  const server = await startFaultServer(...script);
  onTestFinished(server.close);
  return server;
}

const redirect = (location: string, status = "302 Found") => respond(status, { location });
const refusal = respond(
  "403 Forbidden",
  {},
  "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
);

describe("a redirect of the file host", () => {
  test.each([
    "301 Moved Permanently",
    "302 Found",
    "303 See Other",
    "307 Temporary Redirect",
    "308 Permanent Redirect",
  ])("with status %s is followed, and a resume starts from the link with Range and If-Range kept", async (status) => {
    const file = await remoteFile(200 * KIB);
    const storage = await host(serve(file, { after: 100 * KIB }), serve(file));
    const { server, source, save, folder } = await stage({}, redirect(storage.url, status));
    expect(await save()).toMatchObject({ state: "complete" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(source.asked).toBe(1);
    const wanted = { range: `bytes=${100 * KIB}-`, "if-range": file.etag };
    for (const { requests } of [server, storage]) {
      expect(requests).toHaveLength(2);
      expect(requests[0]?.headers).not.toHaveProperty("range");
      expect(requests[1]?.headers).toMatchObject(wanted);
    }
  });

  test("carries no header besides those of a request for the file", async () => {
    const storage = await host(serve(await remoteFile(20 * KIB)));
    const { save } = await stage({}, redirect(storage.url));
    await save();
    const names = storage.requests.flatMap(({ headers }) => Object.keys(headers));
    expect(new Set(names)).toEqual(new Set(["host", "connection", "accept-encoding"]));
  });

  test("is followed three times in a row; the fourth costs no link, no job and no byte", async () => {
    const file = await remoteFile(200 * KIB);
    const last = await host(serve(file, { after: 100 * KIB }), redirect("/again"));
    const [second, first] = [await host(redirect(last.url)), await host()];
    first.script(redirect(second.url));
    const { source, save, folder } = await stage({}, redirect(first.url));
    expect(await save()).toMatchObject({
      state: "paused",
      bytes: 100 * KIB,
      lastError: {
        errorCode: "REDIRECT_REFUSED",
        source: "file-host",
        detail: expect.stringContaining("after 3 others"),
      },
    });
    expect(source.asked).toBe(1);
    expect(await namesIn(folder)).toEqual([`${defaultName}.part`, `${defaultName}.part.json`]);
    last.script(serve(file));
    expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: 100 * KIB });
    expect(source.asked).toBe(1);
  });

  test("to a target that refuses is asked for once more before a new link is", async () => {
    const file = await remoteFile(200 * KIB);
    const storage = await host(serve(file, { after: 100 * KIB }), refusal, serve(file));
    const { server, source, save } = await stage({}, redirect(storage.url));
    expect(await save()).toMatchObject({ state: "complete" });
    expect(server.requests).toHaveLength(3);
    expect(source.asked).toBe(1);
  });

  test("to a target that refuses twice costs one new link", async () => {
    const file = await remoteFile(200 * KIB);
    const storage = await host(refusal, refusal, serve(file));
    const { server, source, save } = await stage({}, redirect(storage.url));
    expect(await save()).toMatchObject({ state: "complete" });
    expect(server.requests).toHaveLength(3);
    expect(source.asked).toBe(2);
  });

  test("to a target that is down is retried from the link", async () => {
    const file = await remoteFile(40 * KIB);
    const storage = await host(respond("503 Busy"), serve(file));
    const { server, source, save } = await stage({}, redirect(storage.url));
    expect(await save()).toMatchObject({ state: "complete" });
    expect([server.requests.length, source.asked]).toEqual([2, 1]);
  });

  test.each([
    ["a private address", "https://10.0.0.1/x?sig=SENTINEL"],
    ["the address of cloud metadata", "http://169.254.169.254/latest/SENTINEL"],
    ["a user name", "https://SENTINEL:x@files.example/x"],
    ["another scheme", "file:///etc/passwd?SENTINEL"],
    ["a name of this computer", "https://SENTINEL.localhost/x".toLowerCase()],
  ])("to %s is not followed", async (_what, location) => {
    const { source, save } = await stage({}, redirect(location));
    const error = await save().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "LINK_UNSAFE" });
    expect(inspect(error, { depth: 9 })).not.toContain("SENTINEL");
    expect(source.asked).toBe(1);
  });
});

describe("a host of ATLAS_FLEX_FILE_HOSTS", () => {
  const policy = { allowLoopback: false, fileHosts: ["corp.example", ".vault.example"] };
  const from = (url: string) => (to: string) => checkRedirect(new URL(url), new URL(to), policy).href;

  test("is reached by a redirect of another such host, and leads to public hosts", () => {
    const go = from("https://front.corp.example/a");
    for (const to of ["https://s3.vault.example/b", "https://corp.example/b", "https://public.example/b"])
      expect(go(to)).toBe(to);
  });

  test.each(["https://s3.vault.example/b", "https://CORP.example./b"])(
    "is not reached by a redirect of any other host, and the hint names the setting: %s",
    (to) => {
      expect(() => from("https://front.example/a")(to)).toThrow(
        expect.objectContaining({
          code: "LINK_UNSAFE",
          envelope: expect.objectContaining({
            hint: expect.stringContaining("name front.example in ATLAS_FLEX_FILE_HOSTS"),
          }),
        }),
      );
    },
  );

  test("is not reached over a host in between that is not listed", () => {
    const hop = from("https://corp.example/a")("https://public.example/b");
    expect(() => from(hop)("https://corp.example/c")).toThrow(expect.objectContaining({ code: "LINK_UNSAFE" }));
  });

  test("on loopback neither, over real servers", async () => {
    const storage = await host(serve(await remoteFile(20 * KIB)));
    const target = storage.url.replace("127.0.0.1", "localhost");
    const listed = await stage({ fileHosts: ["localhost"] }, redirect(target));
    expect(await listed.save().catch((error: unknown) => error)).toMatchObject({ code: "LINK_UNSAFE" });
    expect(storage.requests).toHaveLength(0);
  });
});

describe("the refusal of a redirect", () => {
  const policy = { allowLoopback: false, fileHosts: ["corp.example"] };
  const from = new URL("https://front.example/a");
  const refusalOf = (to: string) => {
    try {
      return checkRedirect(from, new URL(to), policy);
    } catch (error) {
      return error;
    }
  };

  test("to a private address names a setting for both hosts, which then allows it", () => {
    const to = "https://10.1.2.3/b";
    const setting = "corp.example,front.example,10.1.2.3";
    expect(refusalOf(to)).toMatchObject({
      code: "LINK_UNSAFE",
      envelope: {
        detail: `The redirect of front.example to 10.1.2.3 is not followed: it names an address instead of a host. ATLAS_FLEX_FILE_HOSTS=${setting} would allow it.`,
        hint: expect.stringMatching(/^Only if both hosts serve your snapshots/),
      },
    });
    const allowed = { ...policy, fileHosts: setting.split(",") };
    expect(checkLink(from.href, allowed).href).toBe(from.href);
    expect(checkRedirect(from, new URL(to), allowed).href).toBe(to);
  });

  test("to a name with a private address says the same", async () => {
    const checked = checkedLookup(policy, (_host, _options, done) => done(null, [{ address: "10.1.2.3", family: 4 }]));
    const error = await new Promise((done) => checked("inner.example", { all: true }, done));
    expect(asRedirect(error, from, policy)).toMatchObject({
      code: "LINK_UNSAFE",
      envelope: {
        detail: expect.stringMatching(
          /^The redirect of front\.example to inner\.example .* 10\.1\.2\.3.* ATLAS_FLEX_FILE_HOSTS=corp\.example,front\.example,inner\.example would/,
        ),
      },
    });
  });

  test("is worded so also where only the connection shows the address", async () => {
    const name = hostname();
    const found = await lookup(name).catch(() => undefined);
    needsFound("private-name", found && kindOfAddress(found.address) === "private" ? found : undefined);
    const { server, save } = await stage({}, redirect(`https://${name}/x`));
    const detail = expect.stringContaining(`The redirect of ${new URL(server.url).host} to ${name} is not followed`);
    await expect(save()).rejects.toMatchObject({ code: "LINK_UNSAFE", envelope: { detail } });
  });

  test.each(["https://169.254.169.254/x", "https://user@files.example/x", "http://files.example/x", "file:///etc/x"])(
    "to %s blames neither Atlas nor its settings",
    (to) => {
      expect(refusalOf(to)).toMatchObject({
        envelope: {
          detail: expect.stringMatching(/^The redirect of front\.example/),
          hint: expect.stringMatching(/proxy/),
        },
      });
      expect(JSON.stringify(refusalOf(to))).not.toContain("ATLAS");
    },
  );
});

test("loopback is reached by a redirect only where the link may be on loopback too", () => {
  const check = (allowLoopback: boolean) => () =>
    checkRedirect(new URL("https://files.example/a"), new URL("https://127.0.0.1/b"), { allowLoopback, fileHosts: [] });
  expect(check(true)).not.toThrow();
  expect(check(false)).toThrow(expect.objectContaining({ code: "LINK_UNSAFE" }));
});

test("each link and each target is announced before it is used, and none is written or reported", async () => {
  const file = await remoteFile(200 * KIB);
  const storage = await host(serve(file, { after: 100 * KIB }), refusal, respond("500 X"));
  const path = "/share/opensesamewords/file";
  const target = new URL(path, storage.url).href;
  const known: string[] = [];
  const events: StoreEvent[] = [];
  const { server, source, folder } = await stage({}, redirect(target));
  const store = openStore(folder, {
    source,
    onLink: (url) => void known.push(url.href),
    log: (event) => void events.push(event),
  });
  storage.script((request, socket) => {
    expect(known).toContain(new URL(request.path, storage.url).href);
    return serve(file, { after: 100 * KIB })(request, socket);
  }, respond("500 X"));
  const report = await saveTo(store);
  expect(report).toMatchObject({ state: "paused", bytes: 100 * KIB });
  expect(known.slice(0, 2)).toEqual([expect.stringContaining(server.url), target]);
  const state = await readFile(join(folder, `${defaultName}.part.json`), "utf8");
  const everything = inspect({ report, events, state }, { depth: 20 });
  for (const secret of ["opensesame", "SENTINEL", "/share"]) expect(everything).not.toContain(secret);
});

const LINK = "https://front.example/files/a.tgz?sig=1";
type Answer = Partial<Omit<Asked, "url">> & { status?: number; from?: string };
const LOOPBACK = "http://127.0.0.1:1/a";
const judged = (location: string | undefined, { status = 302, from = LINK, ...asked }: Answer = {}) =>
  judgeResponse(
    { offset: 0, redirects: 0, ...asked, url: new URL(from) },
    { status, headers: location === undefined ? {} : { location } },
    { now: Date.parse("2026-11-22T12:00:00Z"), maxFileBytes: 10_000 },
  );

test.each([
  ...[301, 302, 303, 307, 308].map((status) => ({
    location: "https://s3.example/a?sig=2",
    answer: { status, offset: 100, total: 1000, etag: '"abc"' },
    to: "https://s3.example/a?sig=2",
  })),
  { location: "https://s3.example/a", answer: { redirects: 2 }, to: "https://s3.example/a" },
  { location: "/other?x", answer: {}, to: "https://front.example/other?x" },
  { location: "//s3.example/a", answer: {}, to: "https://s3.example/a" },
  { location: "http://127.0.0.1:2/b", answer: { from: LOOPBACK }, to: "http://127.0.0.1:2/b" },
])("a redirect to $location, answered with $answer, is followed to $to", ({ location, answer, to }) => {
  expect(judged(location, answer)).toEqual({ kind: "follow", to: new URL(to) });
});

test.each([
  { what: "the fourth of one request", location: "https://s3.example/a", redirects: 3, words: "after 3 others" },
  { what: "without a place", location: undefined, words: "names no place" },
  { what: "to half a URL", location: "https://", words: "is no URL" },
  { what: "to a malformed host", location: "http://[bad", words: "is no URL" },
  { what: "from https to http", location: "http://s3.example/a", words: "https to http" },
])("a redirect $what is refused", ({ location, redirects = 0, words }) => {
  const facts = { source: "file-host", detail: expect.stringContaining(words) };
  expect(judged(location, { redirects })).toMatchObject({ kind: "reject", code: "REDIRECT_REFUSED", facts });
});
