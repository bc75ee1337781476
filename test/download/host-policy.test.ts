import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Failure } from "../../src/core/errors.ts";
import {
  checkedLookup,
  checkLink,
  type HostPolicy,
  kindOfAddress,
  type Resolve,
} from "../../src/download/transfer/host-policy.ts";
import { parse } from "../parsed.ts";

const strict: HostPolicy = { allowLoopback: false, fileHosts: ["files.corp.example"] };
const local: HostPolicy = { allowLoopback: true, fileHosts: [] };
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
    `https://${"a".repeat(63)}.${"b".repeat(6_900)}/x`,
    `https://${"a.".repeat(3_450)}example/x`,
    "https://say'this'instead.example/x",
    "https://localhost/x",
    "https://localhost./x",
    "https://a.localhost/x",
    "http://localhost/x",
    "https://168.63.129.16/x",
    "https://[fd00:ec2::254]/x",
  ])("%s", (link) => {
    const open = () => checkLink(`${link}${SECRET}`, strict);
    expect(open).toThrow(
      expect.toSatisfy(
        (error) => error.code === "LINK_UNSAFE" && !inspect(error, { depth: null }).includes("SENTINEL"),
      ),
    );
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
  ["168.63.129.17", "public"],
  ["2606:4700::1111", "public"],
  ["::ffff:93.184.216.34", "public"],
  ["64:ff9b::5db8:d822", "public"],
  ["127.0.0.1", "loopback"],
  ["127.8.9.1", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["64:ff9b::7f00:1", "loopback"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["100.100.100.201", "private"],
  ["198.18.0.1", "private"],
  ["198.19.255.255", "private"],
  ["240.0.0.1", "private"],
  ["192.0.2.1", "private"],
  ["fc00::1", "private"],
  ["fdfe:dcba:9876::1", "private"],
  ["fec0::1", "private"],
  ["64:ff9b::a00:1", "private"],
  ["64:ff9b::c612:7", "private"],
  ["64:ff9b:1::5db8:d822", "private"],
  ["::ffff:10.0.0.1", "private"],
  ["::7f00:1", "private"],
  ["2002:7f00:1::", "private"],
  ["2001:0:1::", "private"],
  ["3fff::", "private"],
  ["169.254.169.254", "never"],
  ["169.254.170.2", "never"],
  ["::ffff:169.254.169.254", "never"],
  ["64:ff9b::a9fe:a9fe", "never"],
  ["168.63.129.16", "never"],
  ["::ffff:168.63.129.16", "never"],
  ["64:ff9b::a83f:8110", "never"],
  ["100.100.100.200", "never"],
  ["192.0.0.192", "never"],
  ["fd00:ec2::254", "never"],
  ["fd00:ec2::23", "never"],
  ["fd20:ce::254", "never"],
  ["fd00:c1::a9fe:a9fe", "never"],
  ["fd00:42::42", "never"],
  ["fe80::1", "never"],
  ["0.0.0.0", "never"],
  ["::", "never"],
  ["224.0.0.1", "never"],
  ["255.255.255.255", "never"],
  ["ff02::1", "never"],
  ["nonsense", "never"],
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

async function refusalOf(hostname: string, address: string) {
  const lookup = checkedLookup(strict, resolverOf([address]).resolve);
  const error = await new Promise((done) => lookup(hostname, { all: true }, done));
  if (error instanceof Failure) return { error };
  throw new Error("expected a refusal", { cause: error });
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

  test.each(["168.63.129.16", "169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1"])(
    "%s is refused even where the user vouches for the host, and no setting is advised",
    async (address) => {
      const { error } = await refusalOf("files.corp.example", address);
      expect(error).toMatchObject({ code: "LINK_UNSAFE" });
      expect(JSON.stringify(error.envelope)).not.toContain("ATLAS_FLEX_FILE_HOSTS");
    },
  );

  test.each(["198.18.0.7", "100.64.3.2", "10.0.0.1", "fc00::18"])(
    "the refusal of %s names the host, both likely causes and the setting that allows it",
    async (address) => {
      const { error } = await refusalOf("Bucket_1.vpce.example.", address);
      expect(error.envelope).toMatchObject({
        errorCode: "LINK_UNSAFE",
        detail: `The link to bucket_1.vpce.example is not opened: its name resolves to ${address}, which is not a public address. ATLAS_FLEX_FILE_HOSTS=files.corp.example,bucket_1.vpce.example would allow it.`,
        hint: expect.stringMatching(/VPN .*198\.18\.0\.0\/15.* private endpoint.*value in the message/),
      });
      const [, value = ""] = /ATLAS_FLEX_FILE_HOSTS=(\S+)/.exec(error.message) ?? [];
      const config = parse({ ATLAS_FLEX_FILE_HOSTS: value });
      expect(config.problems.filter((problem) => problem.includes("FILE_HOSTS"))).toEqual([]);
      const policy = { ...strict, fileHosts: config.fileHosts };
      expect(await resolved("bucket_1.vpce.example", [[address]], policy)).toMatchObject([{ address }]);
    },
  );

  test("a private address in a link is refused with the setting that allows it, and then opened", () => {
    expect(() => checkLink("https://10.0.0.5/x", strict)).toThrow("ATLAS_FLEX_FILE_HOSTS=files.corp.example,10.0.0.5");
    expect(checkLink("https://10.0.0.5/x", { ...strict, fileHosts: ["10.0.0.5"] }).host).toBe("10.0.0.5");
  });

  test.each(["https://169.254.169.254/x", "https://168.63.129.16/x"])(
    "an address of a cloud's own services in a link is refused even where it is listed: %s",
    (link) => {
      const policy = { ...strict, fileHosts: [new URL(link).hostname] };
      expect(() => checkLink(link, policy)).toThrow(expect.objectContaining({ code: "LINK_UNSAFE" }));
    },
  );

  test("a host that is named in ATLAS_FLEX_FILE_HOSTS may be private; a similar name may not", async () => {
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

test("only where a name was looked up does the advice speak of the DNS server", async () => {
  const adviceOf = (error: unknown) => (error instanceof Failure ? error.envelope.hint : undefined);
  const refusedLink = (link: string) => {
    try {
      return checkLink(link, strict);
    } catch (error) {
      return error;
    }
  };
  const refusedName = (resolve: Resolve) =>
    new Promise((done) => checkedLookup(strict, resolve)("files.example", {}, (error) => done(error)));
  for (const link of [
    "https://8.8.8.8/x",
    "https://127.0.0.1/x",
    "ftp://host.example/x",
    "https://user@host.example/x",
  ])
    expect(adviceOf(refusedLink(link))).toBe(
      "Atlas sends no such link. Check MONGODB_ATLAS_BASE_URL and any proxy between this computer and Atlas.",
    );
  const answers = [[], [{ address: "169.254.169.254", family: 4 }]];
  for (const addresses of answers)
    expect(adviceOf(await refusedName((_, __, done) => done(null, addresses)))).toMatch(/^Check the DNS server/);
});
