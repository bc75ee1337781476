import { describe, expect, test } from "vitest";
import { createOrderBook, parseOrders } from "../../src/simulator/faults/orders.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";

const word = (name: string, value = 0) => ({ kind: "word", word: name, value });
const status = (facts: object) => ({ kind: "status", after: false, ...facts });
const EVERY_TIME = Number.POSITIVE_INFINITY;

describe("the text form of orders", () => {
  test.each([
    ["", []],
    ["api=503", [{ target: "api", faults: [status({ status: 503 })], times: EVERY_TIME }]],
    ["token=hang*2", [{ target: "token", faults: [word("hang")], times: 2 }]],
    [" getProject = cut * 1 ", [{ target: "getProject", faults: [word("cut")], times: 1 }]],
    [
      "requestDownload=TOO_MANY_SNAPSHOT_DOWNLOADS",
      [
        {
          target: "requestDownload",
          faults: [status({ errorCode: "TOO_MANY_SNAPSHOT_DOWNLOADS" })],
          times: EVERY_TIME,
        },
      ],
    ],
    [
      "api=403:NEW_CODE",
      [{ target: "api", faults: [status({ status: 403, errorCode: "NEW_CODE" })], times: EVERY_TIME }],
    ],
    [
      "api=404:code=CLUSTER_NOT_FOUNT",
      [{ target: "api", faults: [status({ status: 404, errorCode: "CLUSTER_NOT_FOUNT" })], times: EVERY_TIME }],
    ],
    ["api=429:retry-after=5", [{ target: "api", faults: [status({ status: 429, retryAfter: 5 })], times: EVERY_TIME }]],
    [
      "api=503:retry-after=past",
      [{ target: "api", faults: [status({ status: 503, retryAfter: "past" })], times: EVERY_TIME }],
    ],
    ["api=502:after*1", [{ target: "api", faults: [status({ status: 502, after: true })], times: 1 }]],
    ["token=access_denied", [{ target: "token", faults: [status({ errorCode: "access_denied" })], times: EVERY_TIME }]],
    [
      "file=no-etag+cut@1MiB*1,file=flip@-12",
      [
        { target: "file", faults: [word("no-etag"), word("cut", 1_048_576)], times: 1 },
        { target: "file", faults: [word("flip", -12)], times: EVERY_TIME },
      ],
    ],
    ["file=slow@16KiB", [{ target: "file", faults: [word("slow", 16_384)], times: EVERY_TIME }]],
    ["file=redirect@307", [{ target: "file", faults: [word("redirect", 307)], times: EVERY_TIME }]],
    ["api=trickle", [{ target: "api", faults: [word("trickle", 20)], times: EVERY_TIME }]],
  ])("%j is read", (text, expected) => {
    expect(parseOrders(text)).toEqual(expected);
  });

  test.each([
    ["503", 'Cannot read the order "503": it must be operation=fault[*times]. See docs/simulator.md.'],
    ["listSnapshots=", 'Cannot read the order "listSnapshots="'],
    ["download=503", 'Unknown operation "download" in the order "download=503". See docs/simulator.md.'],
    ["listSnapshot=503*1", 'in the order "listSnapshot=503*1"; did you mean listSnapshots? See docs/simulator.md.'],
    ["api=explode", 'Unknown fault "explode" for api. See docs/simulator.md.'],
    ["file=cutt@1MiB", 'Unknown fault "cutt@1MiB" for file; did you mean cut? See docs/simulator.md.'],
    ["api=USER_UNAUTHORISED", "did you mean USER_UNAUTHORIZED?"],
    [
      "api=403:IP_ADDRES_NOT_ON_ACCESS_LIST",
      "did you mean IP_ADDRESS_NOT_ON_ACCESS_LIST? To use it unchanged, write code=IP_ADDRES_NOT_ON_ACCESS_LIST.",
    ],
    ["listSnapshots=flip@5", 'The fault "flip" never happens to listSnapshots, only to file.'],
    ["api=199", "Unknown fault"],
    ["api=cut*x", "Unknown fault"],
    ["api=toString", "Unknown fault"],
    ["api=503:retry after", "Unknown fault"],
    ["api=429:retry-after=never", "give seconds, or one of none, date, past, garbage, huge"],
    ["api=invalid_client", "Unknown fault"],
    ["token=TOO_MANY_SNAPSHOT_DOWNLOADS", "Unknown fault"],
    ["api=wrong-range-start", 'The fault "wrong-range-start" never happens to api, only to file.'],
    ["file=hostile", 'The fault "hostile" never happens to file, only to operations of the API.'],
    ["file=cut", 'The fault "cut" needs a number: cut@bytes'],
    ["file=cut@1MB", 'Cannot read the number in "cut@1MB"'],
    ["getRestoreJob=job-fails", 'The fault "job-fails" never happens to getRestoreJob, only to requestDownload, api.'],
    ["token=stale-nonce", 'The fault "stale-nonce" never happens to token'],
    ["file=expired@3", 'The fault "expired" takes no number'],
  ])("%j is refused: %s", (text, message) => {
    expect(() => parseOrders(text)).toThrow(RangeError);
    expect(() => parseOrders(text)).toThrow(message);
  });

  test("a simulator does not start with an unknown word", async () => {
    await expect(startSimulator({ orders: "api=explode" })).rejects.toThrow(RangeError);
  });
});

describe("the order book", () => {
  const any = () => true;

  test("gives out orders in sequence, each the given number of times", () => {
    const book = createOrderBook("token=500*2,token=hang*1");
    expect([1, 2, 3, 4].map(() => book.take("token", any)[0]?.kind)).toEqual(["status", "status", "word", undefined]);
  });

  test("an order for `api` covers every operation except the token endpoints and the files", () => {
    const book = createOrderBook("api=500");
    expect(book.take("listProjects", any)).toHaveLength(1);
    expect(book.take("requestDownload", any)).toHaveLength(1);
    for (const operation of ["token", "revoke", "file"] as const) expect(book.take(operation, any)).toEqual([]);
  });

  test("an order that does not apply waits, and a later order is used", () => {
    const book = createOrderBook("file=ignore-range*1,file=hang*1");
    const rangeless = book.take("file", (faults) => !JSON.stringify(faults).includes("range"));
    expect(rangeless).toEqual([word("hang")]);
    expect(book.take("file", any)).toEqual([word("ignore-range")]);
  });

  test("cleared orders are gone", () => {
    const book = createOrderBook("api=500");
    book.clear();
    expect(book.take("getProject", any)).toEqual([]);
  });
});
