// Bundles the command and the thread that checks archives into one file each, without run-time dependencies.
import { build } from "esbuild";

const require = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

const shared = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minify: true,
  keepNames: true,
  legalComments: "none",
};

await Promise.all([
  build({
    ...shared,
    entryPoints: ["src/main.ts"],
    outfile: "dist/atlas-flex-snapshots-mcp.js",
    banner: { js: `#!/usr/bin/env node\n${require}` },
  }),
  build({
    ...shared,
    entryPoints: ["src/download/check/worker.ts"],
    outfile: "dist/archive-check-worker.js",
    banner: { js: require },
  }),
]);
