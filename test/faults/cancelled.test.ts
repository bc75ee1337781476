import { setTimeout as sleep } from "node:timers/promises";
import { describe, test, vi } from "vitest";
import { CATALOG } from "../../src/tools/catalog.ts";
import { POST, type Probe, READS, SAVES } from "./probes.ts";
import { openStation } from "./station.ts";

/** Longer than any pause between two tries, two polls of a job or two look-ups. */
const LONGEST_PAUSE_MS = 9_000;

/** Each fault would make the server repeat the operation again and again. */
const CASES: { title: string; probes: readonly Probe[]; orders: (probe: Probe) => string }[] = [
  {
    title: "between two tries",
    probes: [...READS, ...SAVES.slice(0, 2)],
    orders: ({ operation }) => `${operation}=503`,
  },
  {
    title: "while it waits for an answer",
    probes: [...READS, POST, ...SAVES.slice(0, 3)],
    orders: ({ operation }) => `${operation}=hang`,
  },
  {
    title: "while it waits for a rate limit to pass",
    probes: [POST],
    orders: () => "requestDownload=429:retry-after=3",
  },
  {
    title: "while it looks up the outcome of a request",
    probes: [POST],
    orders: () => "requestDownload=reset-before",
  },
  { title: "while it waits for a token", probes: [...READS, POST], orders: () => "token=hang" },
];

describe.concurrent("a cancelled call sends nothing more and gets no answer", () => {
  test.for(CASES)("$title", async ({ probes, orders }, { expect, onTestFinished }) => {
    // Without stop_saving_snapshot a save ends with its call, too; with that tool it goes on.
    const tools = CATALOG.map(({ name }) => name).filter((name) => name !== "stop_saving_snapshot");
    const env = { ATLAS_FLEX_TOOLS: tools.join(",") };
    const station = await openStation({ env, simulator: { projects: 20, orders: probes.map(orders).join(",") } });
    onTestFinished(async () => expect(await station.close()).toEqual([]));
    const { server, simulator } = station;
    const cancel = new AbortController();
    const ended = probes.map(({ tool, args }, index) =>
      expect(server.call(tool, args(index + 1), { signal: cancel.signal })).rejects.toThrow("cancelled"),
    );
    const asked = new Set(probes.map((probe) => orders(probe).split("=")[0]));
    await vi.waitFor(() => {
      const seen = simulator.requests.map(({ operation }) => operation);
      expect(seen).toEqual(expect.arrayContaining([...asked]));
    }, 10_000);
    cancel.abort();
    await Promise.all(ended);
    // Requests already on their way still arrive.
    await sleep(300);
    const sent = simulator.requests.length;
    const answered = server.output.stdout;
    await sleep(LONGEST_PAUSE_MS);
    expect(simulator.requests.slice(sent).map(({ operation }) => operation)).toEqual([]);
    expect(server.output.stdout).toBe(answered);
  });
});
