import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHidden } from "../../../src/commands/save/report/hidden.ts";
import {
  challengesOf,
  codeShown,
  codingsOf,
  dateForm,
  enumShown,
  etagForm,
  headerList,
  hostShown,
  isFieldShown,
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
    fc.assert(
      fc.property(fc.array(names, { maxLength: 5 }), (all) => {
        for (const word of headerList(all, nothing).split(", "))
          expect(word).toMatch(/^(?:none|\d+ not shown|(?!.*(?:\d{4}|\d(?:-\d{1,3}){3}))[a-z][a-z0-9-]{1,40})$/);
      }),
    );
  });

  test("of a field", () => {
    fc.assert(
      fc.property(names, (name) => {
        if (isFieldShown(name, nothing)) expect(name).toMatch(/^(?!.*\d{4})[A-Za-z][A-Za-z0-9]{0,40}$/);
      }),
    );
    expect(isFieldShown("xRealField", nothing)).toBe(true);
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

  test("of a host, by its last two labels", () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ["https"] }), (url) => {
        const shown = hostShown(new URL(url), nothing);
        expect(shown).toMatch(/^(?:<address>|<host>|[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*)$/);
        expect(new URL(url).hostname === shown).toBe(false);
      }),
    );
  });

  test.each([
    ["https://bucket.s3.eu-west-1.amazonaws.com/x", "amazonaws.com"],
    ["https://a.files.vendor.example", "vendor.example"],
    ["https://vendor.example", "<host>"],
    ["https://10.1.2.3", "<address>"],
    ["https://[2001:db8::1]", "<address>"],
    ["https://intranet", "<address>"],
    [`https://x.a${ID}.example`, "<host>"],
    ["https://x.ip-10-1-2-3.example", "<host>"],
  ])("the host of %s is shown as %s", (url, shown) => {
    expect(hostShown(new URL(url), nothing)).toBe(shown);
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
  ])("%s", (_, observed, text) => {
    const hidden = createHidden(new Set());
    hidden.text(observed);
    expect(hidden.isIn(text)).toBe(true);
    expect(hidden.isIn("an innocent line")).toBe(false);
  });

  test("a short name only as a word of its own", () => {
    const hidden = createHidden(new Set());
    hidden.name("db");
    expect([hidden.isIn("x-db-y"), hidden.isIn("mongodb")]).toEqual([true, false]);
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
