import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { TAGS } from "./test/platform.ts";

/** Tests that take minutes; only `npm run test:long` runs them. */
const long = "test/**/*.long.test.ts";
/** Tests that need root and Debian's cron and systemd; only `npm run test:schedule` runs them. */
const schedule = "test/**/*.schedule.test.ts";
/** Tests that need Chromium; only `npm run test:view` runs them. */
const view = "test/**/*.view.test.ts";

const APART: Record<string, string> = { long, schedule, view };

export default defineConfig(({ mode }) => ({
  test: {
    tags: TAGS,
    reporters: ["default", "./test/skipped.ts"],
    ...(mode in APART
      ? {
          include: [APART[mode] ?? ""],
          // These wait for browsers and downloads.
          ...(mode === "view" && { maxWorkers: 3 }),
          testTimeout: 600_000,
          hookTimeout: 30_000,
          ...(mode === "view" && { expect: { poll: { timeout: 20_000 } } }),
        }
      : {
          include: ["test/**/*.test.ts"],
          // Most tests wait for processes and timers, so more workers than processors are useful.
          maxWorkers: Math.max(4, availableParallelism() - 1),
          // No test changes state that another one sees, so each worker loads modules once: a seventh of the time.
          isolate: false,
          exclude: [...configDefaults.exclude, ...Object.values(APART)],
          // Generous, so that a busy computer fails no test.
          testTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
          hookTimeout: 60_000,
        }),
  },
}));
