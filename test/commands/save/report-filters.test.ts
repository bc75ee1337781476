import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHidden } from "../../../src/commands/save/report/hidden.ts";
import { hostShown } from "../../../src/commands/save/report/hosts.ts";
import {
  challengesOf,
  codeShown,
  codingsOf,
  dateForm,
  enumShown,
  etagForm,
  headerList,
  isFieldShown,
  KNOWN_HEADERS,
  mediaTypeOf,
  serverOf,
  sizeRange,
} from "../../../src/commands/save/report/shown.ts";

const nothing = createHidden(new Set());
const ID = "64b7c3d2e1f0a9b8c7d6e5f4";

/** Any text, and one that is nearly what it claims to be. */
const textNear = (...forms: string[]) =>
  fc.oneof(
    fc.string(),
    fc.constantFrom(...forms),
    fc.tuple(fc.constantFrom(...forms), fc.string()).map(([form, rest]) => form + rest),
  );

describe("whatever a header says, the report has a word of a fixed list for it", () => {
  test.each<[string, (value: string) => string[], RegExp, string[]]>([
    [
      "media type",
      (value) => [mediaTypeOf({ "content-type": value }) ?? ""],
      /^(?:(?:application|binary|text|multipart)\/[a-z+.-]+|application\/vnd\.atlas\.\d{4}-\d\d-\d\d\+json|another media type|)$/,
      ["application/json", "application/vnd.atlas.2024-11-13+json"],
    ],
    [
      "content coding",
      (value) => codingsOf({ "content-encoding": value }),
      /^(?:gzip|x-gzip|deflate|br|zstd|compress|identity|aws-chunked|utf-8|another coding)$/,
      ["gzip", "br, "],
    ],
    [
      "server",
      (value) => [serverOf({ server: value })],
      /^(?:mdbws|AmazonS3|UploadServer|Windows-Azure-Blob\/1\.0|cloudflare|CloudFront|envoy|nginx|another server)$/,
      ["AmazonS3"],
    ],
    [
      "challenge",
      (value) => challengesOf({ "www-authenticate": value }),
      /^(?:Digest|Basic|Bearer|another scheme)(?: (?:MD5|SHA-256)(?:-sess)?)?$/,
      ['Digest realm="x", algorithm=MD5', "Basic "],
    ],
    [
      "ETag",
      (value) => [etagForm(value)],
      /^(?:weak|strong)(?:, without quotation marks)?, (?:like an MD5(?: of \d{1,5} parts)?|0x and \d+ hexadecimal digits|another text of \d+ characters)$/,
      ['"0123456789abcdef0123456789abcdef"', 'W/"0123456789abcdef0123456789abcdef-12"', '"0x8D'],
    ],
  ])("%s", (_, shown, form, samples) => {
    fc.assert(
      fc.property(textNear(...samples), (value) => {
        for (const word of shown(value)) expect(word).toMatch(form);
      }),
    );
  });
});

describe("a name is shown only if it has the form of one", () => {
  const names = textNear("x-amz-meta-", "x-ip-10-1-2-3", `x-${ID}`, "content-type", "x-1234", "xRealField");

  test("of a header", () => {
    const known = new Set([...KNOWN_HEADERS].flatMap((name) => name.split("-")));
    fc.assert(
      fc.property(fc.array(names, { maxLength: 5 }), (all) => {
        for (const word of headerList(all, nothing).split(", "))
          expect(
            word.split("-").every((part) => known.has(part)) ||
              /^(?:none|\d+ other headers?|x-amz-meta-\.{3})$/.test(word),
            word,
          ).toBe(true);
      }),
    );
    expect(headerList(["x-amz-meta-acme", "x-goog-meta-b", "x-ms-meta-c", "x-amz-meta-d"], nothing)).toBe(
      "x-amz-meta-..., x-goog-meta-..., x-ms-meta-...",
    );
    expect(headerList(["etag", "x-storage-version", "x-tenant-johnsmith", "storage-johnsmith"], nothing)).toBe(
      "etag, x-storage-version, 2 other headers",
    );
  });

  test("of a field", () => {
    fc.assert(
      fc.property(names, (name) => {
        if (isFieldShown(name, nothing)) expect(name).toMatch(/^(?!.*\d{4})[A-Za-z][A-Za-z0-9]{0,40}$/);
      }),
    );
    const shown = ["clusterStatus", "backupId", "tagsXML", "JohnSmith", "clusterOfJohn", "cluster1", "cluster_name"];
    expect(shown.filter((name) => isFieldShown(name, nothing))).toEqual(["clusterStatus", "backupId"]);
  });

  test("of a value or a code", () => {
    fc.assert(
      fc.property(textNear("COMPLETED", "IP_ADDRESS_NOT_ON_ACCESS_LIST", "AKIA1234567", "SlowDown"), (value) => {
        expect(enumShown(value, nothing)).toMatch(/^(?:(?!.*\d{4})[A-Z][A-Z0-9_]{0,40}|a text of \d+ characters)$/);
        expect(codeShown(value, nothing)).toMatch(/^(?:(?!.*\d{4})[A-Z][A-Za-z0-9_]{0,40}|another code)$/);
      }),
    );
    expect(enumShown("IP_ADDRESS_NOT_ON_ACCESS_LIST", nothing)).toBe("IP_ADDRESS_NOT_ON_ACCESS_LIST");
    expect(codeShown("SlowDown", nothing)).toBe("SlowDown");
    expect(enumShown("AKIAIOSF0DNN7EXAMPLEKEY", nothing)).toBe("a text of 23 characters");
  });

  test("of a host, by the domain of a known provider", () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ["https"] }), (url) => {
        expect(hostShown(new URL(url))).toMatch(/^<(?:address|other host)>$/);
      }),
    );
  });

  test.each([
    ["https://bucket.s3.eu-west-1.amazonaws.com/x", "amazonaws.com"],
    ["https://storage.googleapis.com/x", "googleapis.com"],
    ["https://acme.blob.core.windows.net.", "windows.net"],
    ["https://acme-payments.com", "<other host>"],
    ["https://files.acme-payments.com", "<other host>"],
    ["https://acmeamazonaws.com", "<other host>"],
    ["https://amazonaws.com.acme.example", "<other host>"],
    ["https://10.1.2.3", "<address>"],
    ["https://[2001:db8::1]", "<address>"],
    ["https://intranet", "<address>"],
  ])("the host of %s is shown as %s", (url, shown) => {
    expect(hostShown(new URL(url))).toBe(shown);
  });
});

test("a date is shown as its form, and nothing else is", () => {
  fc.assert(
    fc.property(textNear("2026-11-22T03:01:10Z", "2026-11-22T03:01:10.123+01:00", "2026-11-22"), (text) => {
      expect(dateForm(text) ?? "").toMatch(/^[9T:.Z+ -]*$/);
    }),
  );
  expect(dateForm("2026-11-22T03:01:10.123Z")).toBe("9999-99-99T99:99:99.999Z");
});

test("a size is shown as the powers of two around it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (bytes) => {
      const [, from = "", to = ""] = /^(\S+ \w+) to (\S+ \w+)$/.exec(sizeRange(bytes)) ?? [];
      const bytesOf = (text: string) =>
        Number(text.split(" ")[0]) * 1024 ** ["bytes", "KiB", "MiB", "GiB"].indexOf(text.split(" ")[1] ?? "");
      expect(bytesOf(from)).toBeLessThanOrEqual(bytes);
      expect(bytesOf(to)).toBe(bytesOf(from) * 2);
    }),
  );
  expect(sizeRange(0)).toBe("empty");
});

describe("what was observed is found", () => {
  test.each<[string, string, string]>([
    ["an id in a sentence", `No cluster in group ${ID}.`, `x-${ID}`],
    ["an address with dashes", "From 10.20.30.40", "ip-10-20-30-40"],
    ["a host of a connection string", "mongodb+srv://cluster0.ab12c.mongodb.net/?x=1", "cluster0.ab12c.mongodb.net"],
    ["a segment of a link", "See https://x.example.com/folder%2Done/file.tgz?a=1", "folder-one"],
    ["a mail address", "Ask bob@mail.example", "bob@mail.example"],
    ["another case", "Wonderland", "x-WONDERLAND-y"],
    ["letters with accents", "Caf\u00e9 Zoll", "x-cafe-zoll"],
    ["the domain of a host without a known provider", "https://acme-payments.com/", "acmePayments"],
  ])("%s", (_, observed, text) => {
    const hidden = createHidden(new Set());
    hidden.text(observed);
    expect(hidden.isIn(text)).toBe(true);
    expect(hidden.isIn("an innocent line")).toBe(false);
  });

  test("a short name only as a word of its own, in whatever spelling", () => {
    const hidden = createHidden(new Set());
    hidden.name("db");
    hidden.name("db 2x");
    expect(["x-db-y", "x-db2x-y", "DB-2x"].filter((text) => !hidden.isIn(text))).toEqual([]);
    expect(["mongodb", "xdb2x"].filter(hidden.isIn)).toEqual([]);
  });

  const words = fc.array(fc.string({ unit: fc.constantFrom(..."qwxyzjkv"), minLength: 1, maxLength: 9 }), {
    minLength: 2,
    maxLength: 4,
  });
  const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);
  const spelling = fc.tuple(fc.constantFrom("", " ", "-", "_", ".", "/", ", ", " & "), fc.boolean()).map(
    ([separator, isCapital]) =>
      (all: string[]) =>
        all.map((word) => (isCapital ? capital(word) : word)).join(separator),
  );

  test("a name of several words in any spelling, and each of its long words", () => {
    fc.assert(
      fc.property(words, spelling, spelling, (all, observed, shown) => {
        fc.pre(all.join("").length >= 6);
        const name = observed(all);
        const hidden = createHidden(new Set());
        hidden.name(name);
        expect(hidden.isIn(shown(all)), shown(all)).toBe(true);
        expect(hidden.isIn(`x${all.join("")}y`)).toBe(true);
        expect(hidden.foundIn(`headers: etag, x-a-${all.join("-")}-count, date`)).not.toEqual([]);
        if (name === all.join("")) return;
        for (const word of all.filter(({ length }) => length >= 5)) expect(hidden.isIn(`our${word}s`)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("a name that has own words in it costs no text of own words", () => {
    const hidden = createHidden(new Set(["cluster", "flexclusters", "directory", "flex"]));
    for (const name of ["Flex Cluster", "Pay Direct", "Payments Cluster", "flexcluster"]) hidden.name(name);
    expect(hidden.foundIn("/flexClusters of a cluster: flex, x/directory")).toEqual([]);
    expect(["FlexCluster", "x-direct", "payments"].filter((text) => !hidden.isIn(text))).toEqual([]);
  });

  test("eight characters of a secret, wherever they stand in it", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 20, unit: fc.constantFrom(..."abcdefghij0123456789") }),
        fc.nat(),
        (secret, at) => {
          const hidden = createHidden(new Set());
          hidden.secret(secret);
          const start = at % (secret.length - 8);
          expect(hidden.isIn(`x-${secret.slice(start, start + 8)}`)).toBe(true);
        },
      ),
    );
  });
});
