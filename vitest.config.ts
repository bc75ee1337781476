import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { TAGS } from "./test/platform.ts";

/** Tests that take minutes; only `npm run test:long` runs them. */
const long = "test/**/*.long.test.ts";
/** Tests that need root and Debian's cron and systemd; only `npm run test:schedule` runs them. */
const schedule = "test/**/*.schedule.test.ts";

export default defineConfig(({ mode }) => ({
  test: {
    tags: TAGS,
    reporters: ["default", "./test/skipped.ts"],
    ...(mode === "long" || mode === "schedule"
      ? { include: [mode === "long" ? long : schedule], testTimeout: 600_000, hookTimeout: 30_000 }
      : {
          include: ["test/**/*.test.ts"],
          // Most tests wait for processes and timers, so more workers than processors are useful.
          maxWorkers: Math.max(4, availableParallelism() - 1),
          // No test changes state that another one sees, so each worker loads modules once: a seventh of the time.
          isolate: false,
          exclude: [...configDefaults.exclude, long, schedule],
          // Generous, so that a busy computer fails no test.
          testTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
          hookTimeout: 60_000,
        }),
  },
}));
