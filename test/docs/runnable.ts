import { commandsOf, PAGES } from "./pages.ts";

/** What no test runs as it stands in the pages, and why. */
export const ELSEWHERE: readonly [RegExp, string][] = [
  [/^npm install && npm (run )?\w+$/, "installs from a registry, and builds while other tests use what is built"],
  [/^npm run inspect /, "fetches the Inspector"],
  [/^npm run (docs|demo:picture)$/, "writes into the clone; tests check what it writes"],
  [/^npm (pack|install --global)/, "test/packaging packs, installs and starts the package"],
  [/^(claude|gemini) mcp add /, "needs the client; its snippet has a test of its own"],
  [/^(mongod|mongodump|mongorestore|docker) /, "needs software of others"],
  [/^MONGODB_ATLAS_CLIENT_ID=/, "needs credentials; has a test of its own"],
  [/^\(umask 077;/, "reads a secret from the keyboard; has a test of its own"],
  [/^(mkdir|tar|gzip|sha256sum) /, "needs a saved file; has a test of its own"],
];

export const COMMANDS = [...new Set(PAGES.flatMap(commandsOf))];

export const RUNNABLE = COMMANDS.filter((line) => !ELSEWHERE.some(([pattern]) => pattern.test(line)));
