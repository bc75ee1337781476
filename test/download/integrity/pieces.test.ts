import fc from "fast-check";
import { expect, test } from "vitest";
import { createPieces } from "../../../src/download/integrity/contents.ts";

test("pieces are what was asked for, however the chunks are cut and although each is wiped once it was given", () => {
  const wish = fc.record({ skip: fc.nat(20), take: fc.integer({ min: 1, max: 20 }) });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.array(wish, { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (bytes, [first = { skip: 0, take: 1 }, ...others], cuts) => {
        const wishes = [first, ...others];
        const expected: number[][] = [];
        for (let at = 0, next = 0; next < wishes.length; next += 1) {
          const { skip, take } = wishes[next] ?? first;
          if (at + skip + take > bytes.length) break;
          expected.push([...bytes.subarray(at + skip, at + skip + take)]);
          at += skip + take;
        }

        const found: number[][] = [];
        const pieces = createPieces(first, (piece) => wishes[found.push([...piece])]);
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const chunk = Buffer.from(bytes.subarray(at, at + (cuts[cut % cuts.length] ?? 1)));
          at += chunk.length;
          pieces.write(chunk);
          chunk.fill(0xff);
        }
        expect(found).toEqual(expected);
      },
    ),
    { seed: 5, numRuns: 500 },
  );
});
