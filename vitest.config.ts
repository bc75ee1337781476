import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

/** What takes minutes; `npm run test:long` runs these alone. */
const long = "test/**/*.long.test.ts";

export default defineConfig(({ mode }) => ({
  test:
    mode === "long"
      ? { include: [long], testTimeout: 600_000, hookTimeout: 30_000 }
      : {
          include: ["test/**/*.test.ts"],
          // Most tests wait for processes and timers, so there may be more of them than processors.
          maxWorkers: Math.max(4, availableParallelism() - 1),
          // No test changes what another one could see, so modules are loaded once for each worker: a seventh of the time.
          isolate: false,
          exclude: [...configDefaults.exclude, long],
          // Generous, since a busy computer is no failure.
          testTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
          hookTimeout: 60_000,
        },
}));
