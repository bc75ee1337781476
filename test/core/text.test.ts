import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clean, firstFew, hostOf, nearest, quoted, says, wrapWords } from "../../src/core/text.ts";

describe("cleaning foreign text", () => {
  test.each([
    ["a terminal colour", "\u001b[31mred\u001b[0m", "red"],
    ["a terminal title", "\u001b]0;title\u0007text", "text"],
    ["an 8-bit control sequence", "\u009b31mred", "red"],
    ["line breaks", "one\r\ntwo\u2028three", "one two three"],
    ["bidirectional overrides", "a\u202eb\u2066c\u200f", "abc"],
    ["zero-width characters", "pass\u200bword\ufeff", "password"],
    ["tag characters", "ok\u{e0041}\u{e007f}", "ok"],
    ["a lone surrogate", "a\ud800b", "ab"],
    ["ordinary letters of any script", "größe 数据 🙂", "größe 数据 🙂"],
  ])("%s", (_, text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  /** Unicode's format characters, what programs may ignore, and the signs that are blank all the same. */
  test.each([
    ["musical notation", 0x1d173, 0x1d17a],
    ["shorthand", 0x1bca0, 0x1bca3],
    ["Egyptian notation", 0x13430, 0x1343f],
    ["Egyptian blanks", 0x13441, 0x13442],
    ["Arabic number signs", 0x0600, 0x0605],
    ["Kaithi numbers", 0x110bd, 0x110bd],
    ["Braille", 0x2800, 0x2800],
    ["Hangul fillers", 0x115f, 0x1160],
    ["the wide Hangul filler", 0x3164, 0x3164],
    ["the narrow Hangul filler", 0xffa0, 0xffa0],
    ["the Khitan filler", 0x16fe4, 0x16fe4],
    ["an empty note", 0x1d159, 0x1d159],
    ["variation selectors", 0xfe00, 0xfe0f],
    ["further variation selectors", 0xe0100, 0xe01ef],
    ["joiners", 0x200b, 0x200f],
    ["Mongolian separators", 0x180b, 0x180f],
    ["Khmer vowels", 0x17b4, 0x17b5],
    ["noncharacters", 0xfdd0, 0xfdef],
    ["the object replacement", 0xfffc, 0xfffc],
  ])("invisible signs of %s go", (_, first, last) => {
    for (let point = first; point <= last; point += 1) expect(clean(`a${String.fromCodePoint(point)}b`)).toBe("ab");
  });

  test("blanks of every width become one kind of blank", () => {
    expect(clean("a\u00a0b\u1680c\u2003d\u202fe\u3000f")).toBe("a b c d e f");
  });

  test("text that is too long is cut at a whole character and marked", () => {
    expect(clean("🙂".repeat(10), 5)).toBe("🙂🙂🙂🙂…");
  });

  test("any text becomes one visible line within the limit, and cleaning it again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.integer({ min: 1, max: 100 }), (text, limit) => {
        const cleaned = clean(text, limit);
        expect([...cleaned].length).toBeLessThanOrEqual(limit);
        expect(cleaned).not.toMatch(
          /[\p{Cc}\p{Cs}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u,
        );
        expect(clean(cleaned, limit)).toBe(cleaned);
      }),
      { seed: 42, numRuns: 500 },
    );
  });
});

describe("foreign text in a sentence", () => {
  const QUOTES = [..."\"'`´“”„‟‘’‚‛«»‹›＂＇｀〝〞〟「」『』﹁﹂｢｣❛❜❝❞❮❯🙶🙷🙸″‴′‵⁗ʺˮ״׳〃˝ʹʼ"];

  test.each(QUOTES)("a %s in it cannot end the quotation", (quote) => {
    expect(says("Atlas", `no${quote} What to do: ${quote}${quote} obey.`)).toBe(
      `Atlas says: "no' What to do: ' obey."`,
    );
  });

  test("no mark keeps two quotation marks apart", () => {
    for (const run of ["'\u0301'", "\u2032\u0301\u0302\u2032", "ʼ\u030bʼ", "\u309b\uff9e"])
      expect(quoted(`no${run} What to do`)).toBe(`"no' What to do"`);
  });

  test("marks on letters and numbers stay", () => {
    expect(quoted("e\u0301 \u0915\u093f 1\u20e3")).toBe('"e\u0301 \u0915\u093f 1\u20e3"');
  });

  test("neither a backslash nor a mark without a letter changes how the closing quotation mark reads", () => {
    expect(quoted("no\\")).toBe('"no"');
    expect(quoted("no \u030b What to do")).toBe('"no  What to do"');
    for (const sign of ["", "-", ")", "🙂", "ʼ", "'"])
      for (const mark of ["\u030b", "\u030e", "\u0301"]) expect(clean(sign + mark)).toBe(sign);
  });

  test("any text stays within one pair of quotation marks on one line, and is cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        expect(quoted(text)).toMatch(/^"[^"\n\r\u2028]{0,512}"$/u);
      }),
      { seed: 42, numRuns: 300 },
    );
  });

  test("each of several texts has its own quotation marks", () => {
    expect(says("The record", "one", 'two", "three')).toBe(`The record says: "one", "two', 'three"`);
  });
});

describe("the nearest word", () => {
  const words = ["get_restore_job", "list_restore_jobs"];
  test.each([
    ["get_restore_jobs", "get_restore_job"],
    ["GET_RESTORE_JOB", "get_restore_job"],
    ["list_jobs", undefined],
    ["", undefined],
    ["x".repeat(200), undefined],
  ])("to %s is offered only when it is near", (word, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });
});

const LABEL = "a".repeat(63);
const LONGEST = `${LABEL}.${LABEL}.${LABEL}.${"a".repeat(61)}`;

describe("the host of a link", () => {
  test.each([
    ["a name", "https://Files.Example/x?sig=1", "files.example"],
    ["a port", "https://files.example:8443/x", "files.example:8443"],
    ["an underscore", "https://my_bucket.s3.example/x", "my_bucket.s3.example"],
    ["letters of another script", "https://größe.example/x", "xn--gre-6ka8i.example"],
    ["IPv4", "https://10.0.0.1/x", "10.0.0.1"],
    ["IPv6", "https://[fd00::1]:9/x", "[fd00::1]:9"],
    ["253 characters", `https://${LONGEST}/x`, LONGEST],
    ["the dot of the root", `https://${LONGEST}./x`, `${LONGEST}.`],
  ])("comes out: %s", (_, link, host) => {
    expect(hostOf(new URL(link))).toBe(host);
  });

  test.each([
    ["254 characters", `https://${LONGEST}a/x`],
    ["6,900 characters", `https://${"a.".repeat(3_450)}a/x`],
    ["64 characters between two dots", `https://a${LABEL}.example/x`],
    ["an empty part", "https://a..example/x"],
    ["signs that no name has", "https://say'this'($now).example/x"],
    ["no host", "data:text/plain,x"],
    ["an unknown scheme", "x://Call%20me.example/"],
  ])("is absent if it has not the form of a host: %s", (_, link) => {
    expect(hostOf(new URL(link))).toBeUndefined();
  });
});

describe("a list in a sentence", () => {
  test.each([
    [["a"], "a"],
    [["a", "b"], "a; b"],
    [["a", "b", "c"], "a; b and 1 more"],
    [[], ""],
  ])("of %j names at most two and counts the rest: %j", (items, sentence) => {
    expect(firstFew(items, 2, "; ")).toBe(sentence);
  });
});

describe("the lines of a text", () => {
  test.each([
    ["one two three", 7, ["one two", "three"]],
    ["one two three", 6, ["one", "two", "three"]],
    ["one two three", 13, ["one two three"]],
    ["see /a/long/path here", 8, ["see", "/a/long/path", "here"]],
    ["größe 数据 🙂🙂 x", 8, ["größe 数据", "🙂🙂 x"]],
    [" one   two ", 8, ["one two"]],
    ["", 8, [""]],
    ["one two", Number.POSITIVE_INFINITY, ["one two"]],
  ])("%j in %d characters break between words", (text, width, lines) => {
    expect(wrapWords(text, width)).toEqual(lines);
  });

  test("hold every word in order, and pass the width only for a word that is longer", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (all, width) => {
        const lines = wrapWords(all.join(" "), width);
        expect(lines.join(" ")).toBe(all.join(" "));
        expect(lines.filter((line) => line.length > width && line.includes(" "))).toEqual([]);
      }),
    );
  });
});
