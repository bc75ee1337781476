import { configDefaults, defineConfig } from "vitest/config";

/** What takes minutes; `npm run test:long` runs these alone. */
const long = "test/**/*.long.test.ts";

export default defineConfig(({ mode }) => ({
  test:
    mode === "long"
      ? { include: [long], testTimeout: 600_000, hookTimeout: 30_000 }
      : {
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, long],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
}));
