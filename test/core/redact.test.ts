import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor } from "../../src/core/redact.ts";
import { quoted } from "../../src/core/text.ts";

const SECRET = 'mdb_sa_sk_s/e+c%r"e t~ü';
const PLAIN = "mdb_sa_sk_plain-0123456789";

const octets = (text: string, write: (hex: string, n: number) => string) =>
  [...Buffer.from(text)].map((octet, n) => write(octet.toString(16).padStart(2, "0"), n)).join("");
const points = (text: string, write: (point: number) => string) =>
  [...text].map((character) => write(character.codePointAt(0) ?? 0)).join("");

function knowing(...secrets: string[]) {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

test.each([
  ["raw", SECRET],
  ["percent-encoded", encodeURIComponent(SECRET)],
  ["percent-encoded in lower case", encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase())],
  ["in a form body", new URLSearchParams({ token: SECRET }).toString()],
  ["in JSON", JSON.stringify({ token: SECRET })],
  ["in base64", Buffer.from(SECRET).toString("base64")],
  ["in base64url", Buffer.from(SECRET).toString("base64url")],
  ["in a Basic pair", Buffer.from(`account:${SECRET}`).toString("base64")],
  ["in a Basic pair with its scheme", `Basic ${Buffer.from(`id:${SECRET}`).toString("base64")}`],
  ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
  ["in upper-case hexadecimal", Buffer.from(SECRET).toString("hex").toUpperCase()],
  ["with every octet percent-encoded", octets(SECRET, (hex) => `%${hex}`)],
  [
    "with some octets percent-encoded, in mixed case",
    octets(SECRET, (hex, n) => (n % 2 ? `%${hex.toUpperCase()}` : `%${hex}`)),
  ],
  ["percent-encoded twice", encodeURIComponent(encodeURIComponent(SECRET))],
  ["with names of HTML", SECRET.replaceAll("%", "&percnt;").replaceAll('"', "&quot;").replaceAll("+", "&plus;")],
  ["with decimal references of HTML", points(SECRET, (point) => `&#${point};`)],
  ["with hexadecimal references of HTML", points(SECRET, (point) => `&#x${point.toString(16)};`)],
  [
    "with upper-case references without semicolons",
    points(SECRET, (point) => `&#X${point.toString(16).padStart(6, "0")}`),
  ],
  ["with escapes of JSON for all of it", points(SECRET, (point) => `\\u${point.toString(16).padStart(4, "0")}`)],
  ["in JSON within JSON", JSON.stringify(JSON.stringify(SECRET))],
  ["in JSON within a query", encodeURIComponent(JSON.stringify(SECRET))],
  [
    "with an invisible character after each letter",
    points(SECRET, (point) => `${String.fromCodePoint(point)}\u{1d173}`),
  ],
  [
    "with an escaped invisible character after each letter",
    points(SECRET, (point) => `${encodeURIComponent(String.fromCodePoint(point))}%E2%80%8B`),
  ],
  [
    "with an invisible name of HTML after each letter",
    points(SECRET, (point) => `${String.fromCodePoint(point)}&ZeroWidthSpace;&shy;`),
  ],
  [
    "raw with a percent-encoded invisible character after each letter, and no other escape",
    points(PLAIN, (point) => `${String.fromCodePoint(point)}%E2%80%8B`),
  ],
  [
    "raw with an invisible reference after each letter, and no other escape",
    points(PLAIN, (point) => `${String.fromCodePoint(point)}&#8203;`),
  ],
  [
    "with an invisible character under three layers",
    points(PLAIN, (point) => `${String.fromCodePoint(point)}%2525E2%252580%25258B`),
  ],
  ["in an error of another library", `connect ECONNREFUSED, token=${SECRET}, retry`],
])("a secret is removed %s", (_, text) => {
  const scrubbed = knowing(SECRET, PLAIN).scrub(`before ${text} after`);
  expect(scrubbed).toMatch(/^before .*\[removed\].* after$/);
  expect(scrubbed).not.toMatch(/mdb_sa_sk|bWRiX3Nh|tZGJfc2|1kYl9zYV9za|%C3%BC/i);
});

test("within any base64, nothing of a secret stays but the bits that share a character with its neighbours", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ minLength: 6, maxLength: 40 }),
      fc.uint8Array({ maxLength: 12 }),
      (before, secret, after) => {
        const text = Buffer.concat([before, Buffer.from(secret), after]).toString("base64");
        const scrubbed = knowing(secret).scrub(text);
        expect(scrubbed).toContain("[removed]");
        const left = scrubbed.replace("[removed]", "").length;
        expect(left).toBeLessThanOrEqual(Math.ceil((before.length * 8) / 6) + Math.ceil((after.length * 8) / 6) + 4);
      },
    ),
  );
});

/** The punctuation of ASCII, by its names in HTML (section 13.5). */
test("every character of ASCII that has a name in HTML is recognised by that name", () => {
  const named: Record<string, string> = {
    ...{ "!": "excl", '"': "quot", "#": "num", $: "dollar", "%": "percnt", "&": "amp", "'": "apos", "(": "lpar" },
    ...{ ")": "rpar", "*": "ast", "+": "plus", ",": "comma", ".": "period", "/": "sol", ":": "colon", ";": "semi" },
    ...{ "<": "lt", "=": "equals", ">": "gt", "?": "quest", "@": "commat", "[": "lsqb", "\\": "bsol", "]": "rsqb" },
    ...{ "^": "Hat", _: "lowbar", "`": "grave", "{": "lcub", "|": "vert", "}": "rcub" },
  };
  const secret = `a${Object.keys(named).join("a")}a`;
  const text = `a${Object.values(named)
    .map((name) => `&${name};`)
    .join("a")}a`;
  expect(knowing(secret).scrub(`before ${text} after`)).toBe("before [removed] after");
});

test("nothing that is removed after the secrets can put one together", () => {
  const { shown } = knowing("an apostrophe' and a blank");
  for (const text of ["an apostrophe'\u0301 and a \u0301blank", "an\napostrophe' and\ta blank"])
    expect(quoted(shown(text))).toBe('"[removed]"');
});

test("a secret that contains another secret is removed as a whole", () => {
  expect(knowing("secret", "secret-and-more").scrub("it is secret-and-more.")).toBe("it is [removed].");
});

test("data that the program still uses loses only long secrets; `removeWithLinks` also removes the query of a link", () => {
  const redactor = knowing("backup", "mdb_sa_sk_0123456789");
  const name = "backup-prod of mdb_sa_sk_0123456789";
  expect(redactor.remove(name)).toBe("backup-prod of [removed]");
  expect(redactor.removeWithLinks(`${name} at https://b.example/f?sig=1`)).toBe(
    "backup-prod of [removed] at b.example [query removed]",
  );
  expect(redactor.scrub(name)).toBe("[removed]-prod of [removed]");
});

test("the last eight tokens and every other secret are remembered", () => {
  const redactor = knowing("the-first-secret");
  const tokens = Array.from({ length: 20 }, (_, index) => `token-${String(index).padStart(20, "0")}`);
  for (const token of tokens) redactor.addToken(token);
  expect(tokens.filter((token) => redactor.scrub(token) === "[removed]")).toEqual(tokens.slice(-8));
  expect(redactor.scrub("the-first-secret")).toBe("[removed]");
});

test("values too short to be secrets leave the text alone", () => {
  expect(knowing("", "a", "error").scrub("an error")).toBe("an error");
});

test.each([
  [
    "a signed link",
    "GET https://bucket.s3.amazonaws.com/dir/5fa1.tgz?X-Amz-Credential=AKIA&X-Amz-Signature=abc failed",
    "GET bucket.s3.amazonaws.com [query removed] failed",
  ],
  [
    "a link in JSON",
    '{"snapshotUrl":"https://h.example:27017/f?a=1\\u0026X-Amz-Signature=abc"}',
    '{"snapshotUrl":"h.example:27017 [query removed]"}',
  ],
  ["a link of the simulator", "(http://127.0.0.1:8080/files/x.tgz?signature=s)", "(127.0.0.1:8080 [query removed]"],
  ["a percent-encoded link", "u=https%3A%2F%2Fh%2Ff%3Fsig%3Dabc%26x again", "u=[removed] again"],
  [
    "a link that is percent-encoded twice",
    "u=https%253A%252F%252Fh%252Fa%252520b%253Fsig%253Dabc again",
    "u=[removed] again",
  ],
  ["a link with escapes of JSON", '"https:\\/\\/h\\/p?token=abc" again', '"[removed]" again'],
  ["a link with a half escaped path", '"https://h\\/p?token=abc" again', '"[removed]" again'],
  ["a link with references of HTML", "see https:&#47;&#47;h/p?token=abc again", "see [removed] again"],
  ["a link without query in percent-encoding", "u=https%3A%2F%2Fh%2Fdocs again", "u=https%3A%2F%2Fh%2Fdocs again"],
  ["a signature with an escape of JSON", "X-Amz-Signature\\u003dabc again", "[removed] again"],
  ["a signature that is percent-encoded twice", "X-Amz-Signature%253Dabc again", "[removed] again"],
  ["a bearer token with an escaped blank", "Bearer%20eyJhbGciOi.eyJzdWIi again", "[removed] again"],
  [
    "a link whose path grants access",
    "GET https://restore-1.example.net:27017/5f3cToken0123456789abc/f.tar.gz: 404",
    "GET restore-1.example.net:27017 [path removed] 404",
  ],
  [
    "a link with a quote in it",
    "https://b.example/f?a='x'&<y>&X-Goog-Signature=abc end",
    "b.example [query removed] end",
  ],
  ["a link behind an underscore", "file_https://b.example/f?sig=abc", "file_b.example [query removed]"],
  ["a link behind a long word", `${"a-".repeat(20)}https://b.example/f?sig=abc`, "b.example [query removed]"],
  ["a link with a fragment", "https://b.example/f#access_token=abc", "b.example [path removed]"],
  [
    "a place in a stack",
    "at run (file:///opt/dist/chunk-3FJCIP4Z.js:4512:7)",
    "at run (file:///opt/dist/chunk-3FJCIP4Z.js:4512:7)",
  ],
  ["a link that only looks local", "file://host/0123456789abcdef0123", "host [path removed]"],
  ["a connection string", "mongodb+srv://user:password@c.example/db", "mongodb+srv://[removed]@c.example/db"],
  [
    "a piece of a link",
    "f?sig=0123456789abcdef0123&x=1 X-Goog-Signature=ab, sig=short",
    "f?sig=[removed]&x=1 X-Goog-Signature=[removed], sig=short",
  ],
  ["a signature in JSON", '{"X-Amz-Signature": "abc"}', '{"X-Amz-Signature": "[removed]"}'],
  [
    "a path of the API",
    "https://cloud.mongodb.com/api/atlas/v2/groups/5fa1000000000000000000b1 is gone",
    "https://cloud.mongodb.com/api/atlas/v2/groups/5fa1000000000000000000b1 is gone",
  ],
  [
    "a link without query, which is no secret",
    "see https://www.mongodb.com/docs/atlas.",
    "see https://www.mongodb.com/docs/atlas.",
  ],
  [
    "a proxy with its password",
    "proxy http://user:p%40ss@proxy.example:3128/ refused",
    "proxy http://[removed]@proxy.example:3128/ refused",
  ],
  [
    "a bearer token that nobody announced",
    "authorization: Bearer eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl",
    "authorization: Bearer [removed]",
  ],
  ["prose about credentials", "Basic authentication, Bearer token", "Basic authentication, Bearer token"],
])("%s is shown without what grants access", (_, text, scrubbed) => {
  expect(createRedactor().scrub(text)).toBe(scrubbed);
});

test.each([
  "http://",
  "https://a@",
  "X-Amz-Signature=",
  "Bearer ",
  "Basic aaaaaaaaaaaaaaaaaaaa",
  "\\u0026",
  "http://x?",
  "a.-",
  "a-",
  "a://",
  "https%3A%2F%2F",
  "X-Amz-Signature: ",
  "%41",
  "%2525",
  "%c3%a9",
  "&amp;",
  "&#38;",
  "\\u0041",
  "x\u200b",
])("a megabyte of %s is scrubbed quickly", (piece) => {
  const text = piece.repeat((1024 * 1024) / piece.length);
  expect(knowing(SECRET).scrub(text).length).toBeGreaterThan(0);
  expect(knowing(SECRET).scrub(`http://${"x".repeat(4 * 1024 * 1024)}`).length).toBeGreaterThan(0);
});

test("a known link is removed from texts by its path too, but stays in data that the program still uses", () => {
  const redactor = createRedactor();
  const link = new URL("https://host.example/s/opensesame?inline");
  redactor.addLink(link);
  const texts = [link.href, `GET ${link.pathname}${link.search} failed`, encodeURIComponent(link.href)];
  for (const text of texts) expect(redactor.scrub(text)).not.toContain("opensesame");
  expect(redactor.remove(link.href)).toBe(link.href);
});

test("only the last few links are remembered", () => {
  const redactor = createRedactor();
  for (let n = 0; n < 100; n += 1) redactor.addLink(new URL(`https://host.example/open?sesame${n}-`));
  expect(redactor.scrub("/open?sesame99- /open?sesame84- /open?sesame0-")).toBe("[removed] [removed] /open?sesame0-");
});

test.each(["/backup", "/home/me", "/v1/backups/0123456789abcdef01234567"])(
  "a link whose path is %s does not shred local paths",
  (path) => {
    const redactor = createRedactor();
    redactor.addLink(new URL(`https://host.example${path}`));
    const text = `no space left in /home/me${path}s/snapshots`;
    expect(redactor.scrub(text)).toBe(text);
  },
);

test("a link without a query is removed by its path if a segment of it may be a token", () => {
  const redactor = createRedactor();
  redactor.addLink(new URL("https://host.example/s/opensesame0123456789"));
  expect(redactor.scrub("GET /s/opensesame0123456789 failed")).toBe("GET [removed] failed");
});

test("a secret that is too short to be one does not shred every text", () => {
  const redactor = createRedactor();
  redactor.add("t");
  redactor.addToken("t");
  for (const remove of [redactor.remove, redactor.removeWithLinks, redactor.scrub])
    expect(remove("the text stays")).toBe("the text stays");
});

test("only the secret goes from a text full of escapes", () => {
  const text = `%41 &amp; \\u0041 ${encodeURIComponent(SECRET)} %42 é%C3%A9 🙂 &lt;`;
  expect(knowing(SECRET).scrub(text)).toBe("%41 &amp; \\u0041 [removed] %42 é%C3%A9 🙂 &lt;");
});

test("data without a secret stays as it came, and log lines lose what is invisible", () => {
  const redactor = knowing(SECRET);
  const text = "one\u200b\ntwo";
  expect(redactor.remove(text)).toBe(text);
  expect(redactor.removeWithLinks(text)).toBe(text);
  expect(redactor.scrub(text)).toBe("one\ntwo");
});

test("a text to show is cut after its secrets are gone, however much of it is invisible", () => {
  const { shown } = knowing("0123456789abcdef0123456789abcdef");
  const hidden = `${"\u200b".repeat(3_990)}0123456789abcdef0123456789abcdef`;
  expect(shown(hidden, 20)).toBe("[removed]");
  expect(shown(`${"x".repeat(12)}${hidden}`, 20)).toBe("xxxxxxxxxxxx[remove…");
});
