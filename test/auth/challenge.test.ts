import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Challenge, parseChallenges, parseParameters } from "../../src/auth/digest.ts";

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
    "schemes that bring a token68 or nothing",
    'Negotiate YII+/w==, NTLM, Digest realm="r"',
    [
      ["negotiate", {}],
      ["ntlm", {}],
      ["digest", { realm: "r" }],
    ],
  ],
  ["names and schemes in any case", 'DIGEST Realm="R", NONCE="n"', [["digest", { realm: "R", nonce: "n" }]]],
  [
    "blanks around the equals sign and empty list members",
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
    "a name given twice, which makes its challenge void",
    'Basic realm="a", Digest nonce="x", nonce="y"',
    [["basic", { realm: "a" }]],
  ],
  ["a value that is missing", 'Digest nonce="n", realm=', []],
  ["parameters that nobody opened", 'realm="x", nonce="y"', []],
  ["a missing comma", 'Digest realm="r" nonce="n"', []],
])("%s is read by the grammar", (_, headers, challenges) => {
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

test("every well-formed list of challenges reads back as it was written", () => {
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

test("no header makes reading throw or run on", () => {
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
  ["a run of blanks", " "],
  ["open quotes", 'a="'],
  ["escapes", '"\\'],
  ["names", "a"],
  ["token68 padding", "A="],
  ["commas", ","],
  ["challenges", "Digest a=b, "],
])("sixteen thousand characters of %s are read in passing", (_, piece) => {
  expect(parseChallenges(`Digest ${piece.repeat(16_384 / piece.length)}!`).length).toBeLessThan(16_384);
});

test("Authentication-Info is a plain list of parameters", () => {
  expect(parseParameters('nextnonce="a\\"b", qop=auth, nc=00000001').get("nextnonce")).toBe('a"b');
  expect(parseParameters("garbage").size).toBe(0);
  expect(parseParameters("").size).toBe(0);
});
