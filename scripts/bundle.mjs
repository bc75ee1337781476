// What ends up in dist/: the command, what it loads later, and the thread that checks archives, without run-time dependencies.
import { join } from "node:path";
import { build } from "esbuild";

/** Modules that would be bundled for features that this server never uses; together they are a third of the bundle. */
const STAND_INS = [
  {
    // zod's messages in sixty languages: ours are our own, and English.
    module: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/,
    contents: 'export { default as en } from "./en.js";',
  },
  {
    // Ajv, with which the SDK checks what a client answers to a question: this server asks none.
    module: /[\\/]sdk[\\/]dist[\\/]esm[\\/]validation[\\/]ajv-provider\.js$/,
    contents:
      'export class AjvJsonSchemaValidator { getValidator() { throw new Error("This server asks its client nothing."); } }',
  },
  {
    // undici's fetch, WebSocket, caches and mocks, which its index loads whether or not they are used. The dispatchers need
    // of them only what makes a body of a form or an iterator; bodies are texts here. The index makes one CacheStorage.
    module: /[\\/]undici[\\/]lib[\\/](web|cache|interceptor|mock)[\\/]/,
    contents: "module.exports = { CacheStorage: class {} };",
  },
];

/** How everything here is bundled and minified. */
export const SETTINGS = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Stack traces in a user's log are of use only with the names of functions, so these stay; keeping them beside shortened
  // ones, as esbuild's keepNames does, costs every start 8 ms and 5 MB.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none", // Licences are in THIRD_PARTY_NOTICES.md.
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
};

/** Puts the stand-ins in their places; `onReplaced` learns which module was met. */
export function standIns(onReplaced = () => {}) {
  return {
    name: "stand-ins",
    setup({ onLoad }) {
      for (const { module, contents } of STAND_INS)
        onLoad({ filter: module }, () => {
          onReplaced(module);
          return { contents };
        });
    },
  };
}

/** A module of data alone; the build evaluates it, so that reading the data loads nothing that they were made with. */
const DATA = /[\\/]src[\\/]tools[\\/]tool-list\.ts$/;

const evaluated = {
  name: "evaluated",
  setup({ onLoad }) {
    onLoad({ filter: DATA }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path],
        bundle: true,
        write: false,
        platform: "node",
        format: "esm",
      });
      const code = Buffer.from(outputFiles[0].contents).toString("base64");
      const data = Object.entries(await import(`data:text/javascript;base64,${code}`));
      return { contents: data.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n") };
    });
  },
};

/**
 * Bundles the sources and returns esbuild's metafile, which says what went into each file.
 * Fails when a stand-in replaced nothing, since the module that it stands in for has then moved.
 */
export async function bundle({ write }) {
  const replaced = new Set();
  const { metafile } = await build({
    ...SETTINGS,
    absWorkingDir: join(import.meta.dirname, ".."),
    entryPoints: {
      "atlas-flex-snapshots-mcp": "src/bin.ts",
      "archive-check-worker": "src/download/integrity/worker.ts",
    },
    outdir: "dist",
    write,
    metafile: true,
    splitting: true,
    chunkNames: "[name]-[hash]",
    plugins: [standIns((module) => replaced.add(module)), evaluated],
  });
  for (const { module } of STAND_INS)
    if (!replaced.has(module)) throw new Error(`scripts/bundle.mjs: no bundled module matches ${module} any more.`);
  return metafile;
}
