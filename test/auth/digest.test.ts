import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  answerChallenge,
  type Challenge,
  chooseChallenge,
  type DigestChallenge,
  parseChallenges,
  parseParameters,
} from "../../src/auth/digest.ts";

const read = (headers: string | string[] | undefined) =>
  parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each<[string, string | string[] | undefined, unknown[]]>([
  ["no header", undefined, []],
  ["an empty header", "", []],
  ["nothing but separators", " ,, ,\t", []],
  [
    "the challenge of Atlas",
    'Digest realm="MMS Public API", domain="", nonce="I+xG4xb7/=", algorithm=MD5, qop="auth", stale=false',
    [
      [
        "digest",
        { realm: "MMS Public API", domain: "", nonce: "I+xG4xb7/=", algorithm: "MD5", qop: "auth", stale: "false" },
      ],
    ],
  ],
  [
    "RFC 9110's example of two challenges in one header",
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    [
      ["basic", { realm: "simple" }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
    ],
  ],
  [
    "several headers in their order",
    ['Basic realm="a"', 'Digest realm="b", nonce="n"'],
    [
      ["basic", { realm: "a" }],
      ["digest", { realm: "b", nonce: "n" }],
    ],
  ],
  [
    "schemes with a token68 or without anything",
    'Negotiate YII+/w==, NTLM, Digest realm="r"',
    [
      ["negotiate", {}],
      ["ntlm", {}],
      ["digest", { realm: "r" }],
    ],
  ],
  ["names and schemes in any case", 'DIGEST Realm="R", NONCE="n"', [["digest", { realm: "R", nonce: "n" }]]],
  [
    "spaces around the equals sign and empty list members",
    'Digest , realm = "r" ,, nonce\t=\t"n",',
    [["digest", { realm: "r", nonce: "n" }]],
  ],
  [
    "commas, equals signs and schemes inside quotes",
    'Digest realm="a, Basic b=\\"c\\", d", nonce="n"',
    [["digest", { realm: 'a, Basic b="c", d', nonce: "n" }]],
  ],
  [
    "a parameter whose name ends like another",
    'Digest cnonce="evil", realm="r", nonce="n"',
    [["digest", { cnonce: "evil", realm: "r", nonce: "n" }]],
  ],
  [
    "a challenge whose quote never ends, which is left out",
    'Basic realm="a", Digest realm="b, nonce="n"',
    [["basic", { realm: "a" }]],
  ],
  [
    "a repeated name, which voids its challenge",
    'Basic realm="a", Digest nonce="x", nonce="y"',
    [["basic", { realm: "a" }]],
  ],
  ["a missing value", 'Digest nonce="n", realm=', []],
  ["parameters without a scheme", 'realm="x", nonce="y"', []],
  ["a missing comma", 'Digest realm="r" nonce="n"', []],
])("%s is parsed by the grammar of RFC 9110", (_, headers, challenges) => {
  expect(read(headers)).toEqual(challenges);
});

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const text = fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) });
const challenge = fc.record({
  scheme: token,
  parameters: fc.uniqueArray(fc.tuple(token, text), {
    selector: ([name]) => name.toLowerCase(),
    minLength: 1,
    maxLength: 6,
  }),
});

test("every well-formed list of challenges parses back to what was written", () => {
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), fc.constantFrom(",", ", ", " ,\t, "), (challenges, comma) => {
      const written = challenges.map(({ scheme, parameters }) => {
        const pairs = parameters.map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
        return `${scheme} ${pairs.join(comma)}`;
      });
      const expected: Challenge[] = challenges.map(({ scheme, parameters }) => ({
        scheme: scheme.toLowerCase(),
        parameters: new Map(parameters.map(([name, value]) => [name.toLowerCase(), value])),
      }));
      expect(parseChallenges(written.join(comma))).toEqual(expected);
      expect(parseChallenges(written)).toEqual(expected);
    }),
  );
});

test("no header makes the parser throw or hang", () => {
  const pieces = fc.constantFrom(
    '"',
    "\\",
    ",",
    "=",
    " ",
    "Digest ",
    "Basic ",
    'nonce="',
    "realm",
    "qop=auth",
    "\u0000",
    "é",
    "abc==",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 40 }), (parts) => {
      expect(Array.isArray(parseChallenges(parts.join("")))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["spaces", " "],
  ["open quotes", 'a="'],
  ["escapes", '"\\'],
  ["names", "a"],
  ["token68 padding", "A="],
  ["commas", ","],
  ["challenges", "Digest a=b, "],
])("sixteen thousand characters of %s do not hang the parser", (_, piece) => {
  expect(parseChallenges(`Digest ${piece.repeat(16_384 / piece.length)}!`).length).toBeLessThan(16_384);
});

test("Authentication-Info is parsed as a plain list of parameters", () => {
  expect(parseParameters('nextnonce="a\\"b", qop=auth, nc=00000001').get("nextnonce")).toBe('a"b');
  expect(parseParameters("garbage").size).toBe(0);
  expect(parseParameters("").size).toBe(0);
});

const choose = (...headers: string[]) => chooseChallenge(parseChallenges(headers));
const rest = 'realm="r", qop="auth"';

test.each<[string, string[], Partial<DigestChallenge> | undefined]>([
  ["the only one", [`Digest nonce="n", ${rest}`], { nonce: "n", hash: "md5", stale: false }],
  [
    "the stronger of two, in whichever order",
    [`Digest nonce="m", algorithm=MD5, ${rest}`, `Digest nonce="s", algorithm=SHA-256, ${rest}`],
    { nonce: "s", hash: "sha256", algorithm: "SHA-256" },
  ],
  [
    "a name in lower case, echoed as it came",
    [`Digest nonce="s", algorithm=sha-256, ${rest}`],
    { algorithm: "sha-256" },
  ],
  [
    "a supported one after an unsupported one",
    [`Digest nonce="x", algorithm=SHA-512-256, ${rest}, Digest nonce="m", ${rest}`],
    { nonce: "m" },
  ],
  ["Digest after Basic in one header", [`Basic realm="b", Digest nonce="n", ${rest}`], { realm: "r", nonce: "n" }],
  ["one that offers auth among others", ['Digest nonce="n", realm="r", qop="auth-int, auth"'], { nonce: "n" }],
  ["a stale one, in any case", [`Digest nonce="n", ${rest}, stale=TRUE`], { stale: true }],
  ["one with opaque data", [`Digest nonce="n", opaque="", ${rest}`], { opaque: "" }],
  ["none that only offers auth-int", ['Digest nonce="n", realm="r", qop="auth-int"'], undefined],
  ["none without quality of protection", ['Digest nonce="n", realm="r"'], undefined],
  ["none of a session variant", [`Digest nonce="n", algorithm=MD5-sess, ${rest}`], undefined],
  ["none without a nonce", [`Digest ${rest}`], undefined],
  ["none with an empty nonce", [`Digest nonce="", ${rest}`], undefined],
  ["none without a realm", ['Digest nonce="n", qop="auth"'], undefined],
  ["none that could not be sent back", [`Digest nonce="n\u00e9", ${rest}`], undefined],
  ["none of another scheme", ['Bearer realm="r", nonce="n", qop="auth"'], undefined],
])("among several challenges, %s is chosen", (_, headers, chosen) => {
  const challenge = choose(...headers);
  if (chosen === undefined) expect(challenge).toBeUndefined();
  else expect(challenge).toMatchObject(chosen);
});

/** RFC 7616 section 3.9.1. */
const mufasa = { publicKey: "Mufasa", privateKey: "Circle of Life" };
const example = {
  realm: "http-auth@example.org",
  nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
  opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
  stale: false,
};
const request = {
  method: "GET",
  uri: "/dir/index.html",
  count: 1,
  cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

test.each<[DigestChallenge["hash"], string, string]>([
  ["md5", "MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ["sha256", "SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
])("the example of RFC 7616 has the documented answer for %s", (hash, algorithm, response) => {
  expect(answerChallenge({ ...example, hash, algorithm }, mufasa, request)).toBe(
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", ' +
      `algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ` +
      'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ' +
      `response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
  );
});

test("an answer escapes quotes and backslashes, has a count of eight hexadecimal digits and omits absent fields", () => {
  const challenge: DigestChallenge = { realm: 'a "b" \\', nonce: "n", hash: "md5", stale: false };
  const header = answerChallenge(challenge, { publicKey: 'u"', privateKey: "p:q" }, { ...request, count: 255 });
  expect(header).toContain('username="u\\"", realm="a \\"b\\" \\\\"');
  expect(header).toContain("nc=000000ff");
  expect(header).not.toMatch(/opaque|algorithm/);
});
