import { expect, test } from "vitest";
import { answerChallenge, chooseChallenge, type DigestChallenge, parseChallenges } from "../../src/auth/digest.ts";

const choose = (...headers: string[]) => chooseChallenge(parseChallenges(headers));
const rest = 'realm="r", qop="auth"';

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
])("the example of RFC 7616 comes out for %s", (hash, algorithm, response) => {
  expect(answerChallenge({ ...example, hash, algorithm }, mufasa, request)).toBe(
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", ' +
      `algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ` +
      'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ' +
      `response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
  );
});

test("quotes and backslashes are escaped on the way back, counts are eight hexadecimal digits, absent fields stay absent", () => {
  const challenge: DigestChallenge = { realm: 'a "b" \\', nonce: "n", hash: "md5", stale: false };
  const header = answerChallenge(challenge, { publicKey: 'u"', privateKey: "p:q" }, { ...request, count: 255 });
  expect(header).toContain('username="u\\"", realm="a \\"b\\" \\\\"');
  expect(header).toContain("nc=000000ff");
  expect(header).not.toMatch(/opaque|algorithm/);
});

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
    "one that is supported behind one that is not",
    [`Digest nonce="x", algorithm=SHA-512-256, ${rest}, Digest nonce="m", ${rest}`],
    { nonce: "m" },
  ],
  ["Digest behind Basic in one header", [`Basic realm="b", Digest nonce="n", ${rest}`], { realm: "r", nonce: "n" }],
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
])("of the challenges %s is chosen", (_, headers, chosen) => {
  const challenge = choose(...headers);
  if (chosen === undefined) expect(challenge).toBeUndefined();
  else expect(challenge).toMatchObject(chosen);
});
