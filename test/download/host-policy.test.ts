import { describe, expect, test } from "vitest";
import { checkedLookup, checkLink, kindOfAddress, type Resolve } from "../../src/download/transfer/host-policy.ts";

const strict = { allowLoopback: false, fileHosts: ["files.corp.example"] };
const local = { allowLoopback: true, fileHosts: [] };
const SECRET = "?X-Amz-Signature=SENTINEL";

describe("a link is opened", () => {
  test.each([
    `https://bucket.s3.eu-west-1.amazonaws.com/x.tgz${SECRET}`,
    `https://restore-1.abc.mongodb.net:27017/x.tgz${SECRET}`,
    `https://files.corp.example/x${SECRET}`,
    `https://a.files.corp.example./x${SECRET}`,
  ])("%s", (link) => {
    expect(checkLink(link, strict).href).toBe(link);
  });

  test.each(["http://127.0.0.1:8080/x", "http://localhost/x", "https://[::1]:9/x"])(
    "on loopback when allowed: %s",
    (link) => {
      expect(checkLink(link, local).href).toBe(link);
    },
  );
});

describe("a link is refused, with an error that names only its host", () => {
  test.each([
    "http://bucket.s3.amazonaws.com/x",
    "ftp://host.example/x",
    "file:///etc/passwd",
    "data:application/gzip;base64,H4sI",
    "not a url",
    "https://user:pw@host.example/x",
    "https://user@host.example/x",
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://127.1/x",
    "https://0/x",
    "https://①②⑦.0.0.1/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::1]/x",
    "https://8.8.8.8/x",
    "https://[2606:4700::1111]/x",
    "https://169.254.169.254/latest",
    "https://localhost/x",
    "https://localhost./x",
    "https://a.localhost/x",
    "http://localhost/x",
  ])("%s", (link) => {
    expect(() => checkLink(`${link}${SECRET}`, strict)).toThrow(expect.objectContaining({ code: "LINK_UNSAFE" }));
    expect(() => checkLink(`${link}${SECRET}`, strict)).toThrow(expect.not.stringContaining("SENTINEL"));
  });

  test.each(["http://10.0.0.1/x", "http://host.example/x", "https://10.0.0.1/x", "http://0.0.0.0/x"])(
    "also where loopback is allowed: %s",
    (link) => {
      expect(() => checkLink(link, local)).toThrow(expect.objectContaining({ code: "LINK_UNSAFE" }));
    },
  );
});

test.each([
  ["93.184.216.34", "public"],
  ["2606:4700::1111", "public"],
  ["::ffff:93.184.216.34", "public"],
  ["64:ff9b::5db8:d822", "public"],
  ["127.0.0.1", "loopback"],
  ["127.8.9.1", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["64:ff9b::7f00:1", "loopback"],
  ["64:ff9b::a00:1", "other"],
  ["64:ff9b:1::5db8:d822", "other"],
  ["::ffff:10.0.0.1", "other"],
  ["::7f00:1", "other"],
  ["::", "other"],
  ["0.0.0.0", "other"],
  ["10.1.2.3", "other"],
  ["172.16.0.1", "other"],
  ["192.168.1.1", "other"],
  ["169.254.169.254", "other"],
  ["100.64.0.1", "other"],
  ["192.0.2.1", "other"],
  ["224.0.0.1", "other"],
  ["255.255.255.255", "other"],
  ["2002:7f00:1::", "other"],
  ["2001:0:1::", "other"],
  ["fc00::1", "other"],
  ["fe80::1", "other"],
  ["fec0::1", "other"],
  ["ff02::1", "other"],
  ["3fff::", "other"],
  ["nonsense", "other"],
] as const)("%s is %s", (address, kind) => {
  expect(kindOfAddress(address)).toBe(kind);
});

/** Answers each lookup with the next list of addresses. */
function resolverOf(...answers: string[][]) {
  let asked = 0;
  const resolve: Resolve = (_host, _options, done) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  return { resolve, asked: () => asked };
}

function resolved(hostname: string, answers: string[][], policy = strict, all = true) {
  const resolver = resolverOf(...answers);
  const lookup = checkedLookup(policy, resolver.resolve);
  return new Promise((done) => {
    lookup(hostname, { all }, (error, address) => done(error ? { error, asked: resolver.asked() } : address));
  });
}

describe("names are resolved once and every address is checked", () => {
  test("public addresses are used exactly as checked", async () => {
    const answer = await resolved("host.example", [["93.184.216.34"], ["127.0.0.1"]]);
    expect(answer).toEqual([{ address: "93.184.216.34", family: 4 }]);
    expect(await resolved("host.example", [["93.184.216.34"]], strict, false)).toBe("93.184.216.34");
  });

  test.each([
    ["a private address", ["10.0.0.1"]],
    ["loopback", ["127.0.0.1"]],
    ["one private address among public ones", ["93.184.216.34", "10.0.0.1"]],
    ["loopback inside NAT64", ["64:ff9b::7f00:1"]],
    ["no address at all", []],
  ])("%s is refused", async (_what, addresses) => {
    expect(await resolved("host.example", [addresses])).toMatchObject({ error: { code: "LINK_UNSAFE" }, asked: 1 });
  });

  test("a host that the user vouches for may be private; a similar name may not", async () => {
    expect(await resolved("a.files.corp.example", [["10.0.0.1"]])).toMatchObject([{ address: "10.0.0.1" }]);
    for (const host of ["files.corp.example.evil.example", "evilfiles.corp.example", "corp.example"]) {
      expect(await resolved(host, [["10.0.0.1"]])).toMatchObject({ error: { code: "LINK_UNSAFE" } });
    }
  });

  test("localhost may resolve only to this computer, and only where loopback is allowed", async () => {
    expect(await resolved("localhost", [["127.0.0.1"]], local)).toMatchObject([{ address: "127.0.0.1" }]);
    expect(await resolved("localhost", [["93.184.216.34"]], local)).toMatchObject({ error: { code: "LINK_UNSAFE" } });
    expect(await resolved("localhost", [["127.0.0.1"]], strict)).toMatchObject({ error: { code: "LINK_UNSAFE" } });
  });
});
