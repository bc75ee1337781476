// Bundles the sources into dist/: the command, the chunks that it loads later, the worker that checks archives, and the view.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { viewPage } from "./view.mjs";

/** Empty replacements for modules that this server never uses; the originals would be a third of the bundle. */
const STAND_INS = [
  {
    // zod's messages in sixty languages. This server has its own messages, in English.
    module: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/,
    contents: 'export { default as en } from "./en.js";',
  },
  {
    // Ajv, with which the SDK checks a client's answers to questions. This server asks its client nothing.
    module: /[\\/]sdk[\\/]dist[\\/]esm[\\/]validation[\\/]ajv-provider\.js$/,
    contents:
      'export class AjvJsonSchemaValidator { getValidator() { throw new Error("This server asks its client nothing."); } }',
  },
  {
    // undici's fetch, WebSocket, caches and mocks, which its index always loads. The dispatchers use them only for bodies made
    // from forms or iterators; our bodies are strings. The index itself creates one CacheStorage.
    module: /[\\/]undici[\\/]lib[\\/](web|cache|interceptor|mock)[\\/]/,
    contents: "module.exports = { CacheStorage: class {} };",
  },
  {
    // undici's debug printing, which writes every URL with its signature to standard error under NODE_DEBUG. Nothing can
    // subscribe to these channels either: the undici inside Node.js prints what is published under their real names.
    module: /[\\/]undici[\\/]lib[\\/]core[\\/]diagnostics\.js$/,
    contents:
      "const channel = { hasSubscribers: false, publish() {} }; module.exports = { channels: new Proxy({}, { get: () => channel }) };",
  },
  {
    // A second copy of undici's parser of responses, with instructions that speed up its headers only. It would be a tenth of the
    // packed package.
    module: /[\\/]undici[\\/]lib[\\/]llhttp[\\/]llhttp_simd-wasm\.js$/,
    contents: 'module.exports = require("./llhttp-wasm.js");',
  },
  {
    // zod's reader of JSON schemas.
    module: /[\\/]zod[\\/]v4[\\/]classic[\\/]from-json-schema\.js$/,
    contents: 'export const fromJSONSchema = () => { throw new Error("This server reads no JSON schema."); };',
  },
  {
    // zod's writer of JSON schemas: the build has written them. Every schema only makes two methods, which nothing calls.
    module: /[\\/]zod[\\/]v4[\\/]core[\\/]to-json-schema\.js$/,
    contents: `const fail = () => { throw new Error("Only the build writes JSON schemas."); };
      export const createToJSONSchemaMethod = () => fail, createStandardJSONSchemaMethod = createToJSONSchemaMethod;
      export { ${["initializeContext", "handleUnrepresentable", "processSchema", "process", "extractDefs", "finalize"].map((name) => `fail as ${name}`)} };`,
  },
  {
    // undici's own repetition of requests. This server decides itself what may be sent again.
    module: /[\\/]undici[\\/]lib[\\/]handler[\\/]retry-handler\.js$/,
    contents: "module.exports = class {};",
  },
  {
    // pino's transports in threads of their own. This server writes its log itself.
    module: /[\\/]thread-stream[\\/]index\.js$/,
    contents: "module.exports = class {};",
  },
];

/** How everything here is bundled and minified. */
export const SETTINGS = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Identifiers keep their names, since stack traces in a user's log are useless without them. Shortening them with esbuild's
  // keepNames would cost 8 ms and 5 MB at every start.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none", // Licences are in THIRD_PARTY_NOTICES.md.
  // For CommonJS packages, which require nothing but parts of Node.js. Importing `createRequire` would cost every start 1 ms.
  banner: { js: "#!/usr/bin/env node\nconst require = process.getBuiltinModule;" },
};

/** The esbuild plugin that replaces the modules; calls `onReplaced` with the pattern of each module replaced. */
export function standIns(onReplaced = () => {}) {
  return {
    name: "stand-ins",
    setup({ onLoad }) {
      for (const { module, contents } of STAND_INS)
        onLoad({ filter: module }, ({ path }) => {
          onReplaced(module);
          return { contents, resolveDir: dirname(path) };
        });
    },
  };
}

/** Bundles a module and imports it, since not every supported Node.js loads TypeScript. */
export async function importBundled(input) {
  const { outputFiles } = await build({ ...input, bundle: true, write: false, platform: "node", format: "esm" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

/** The build evaluates this module and bundles its data, so that the server does not load the code that computes them. */
const DATA = /[\\/]src[\\/]tools[\\/]tool-list\.ts$/;

const evaluated = {
  name: "evaluated",
  setup({ onLoad }) {
    onLoad({ filter: DATA }, async ({ path }) => {
      const data = Object.entries(await importBundled({ entryPoints: [path] }));
      return {
        contents: data
          .map(([name, value]) => `export const ${name} = JSON.parse(${JSON.stringify(JSON.stringify(value))});`)
          .join("\n"),
      };
    });
  },
};

const SRC = join(import.meta.dirname, "../src");
const MAIN = join(SRC, "main.ts");

/** The sources that other sources load while the program runs. */
async function loadedLater() {
  const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(SRC, file), "utf8");
      return [...text.matchAll(/\bimport\("(\..+?\.ts)"\)/g)].map(([, path]) => join(SRC, dirname(file), path));
    }),
  );
  return found.flat().filter((file) => file !== MAIN);
}

/**
 * Lets every file that is loaded later import `main.ts`, which is loaded before it in any case. So esbuild puts all that the start
 * needs into one chunk, instead of one for each set of files that share a module. Loading those took a start 4 MB of memory.
 */
const oneStart = {
  name: "one start",
  async setup({ onLoad }) {
    const later = await loadedLater();
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      if (!later.includes(path)) return undefined;
      return { contents: `${await readFile(path, "utf8")}\nimport ${JSON.stringify(MAIN)};`, loader: "ts" };
    });
  },
};

/**
 * Returns esbuild's metafile, which lists the modules in each file.
 * Fails if a stand-in replaced nothing, which means that its module has moved, and if a package requires what is not bundled.
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
    plugins: [standIns((module) => replaced.add(module)), evaluated, oneStart],
  });
  if (write) await writeFile(join(import.meta.dirname, "../dist/view.html"), await viewPage());
  const required = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  for (const { kind, path } of required)
    if (kind === "require-call" && !isBuiltin(path))
      throw new Error(`scripts/bundle.mjs: ${path} is no part of Node.js.`);
  for (const { module } of STAND_INS)
    if (!replaced.has(module)) throw new Error(`scripts/bundle.mjs: no bundled module matches ${module} any more.`);
  return metafile;
}
