// The embedded simulator in a process of its own. Started with its options as JSON; prints where it is; ends with its stdin.
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { build } from "esbuild";
import { announce, listening } from "./listening.mjs";

const ROOT = join(import.meta.dirname, "../..");
const FIXTURES = join(ROOT, "test/fixtures");

/** Bundled, since Node.js does not load TypeScript everywhere that this runs. */
async function loadSimulator() {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, "src/simulator/simulator.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const { startSimulator, SIMULATED } = await loadSimulator();
const simulator = await startSimulator(JSON.parse(process.argv[2]));
const tls = createServer({
  cert: await readFile(join(FIXTURES, "server.pem")),
  key: await readFile(join(FIXTURES, "server-key.pem")),
});
const { port: plainPort } = new URL(simulator.baseUrl);
tls.on("secureConnection", (secure) => {
  const plain = connect({ port: Number(plainPort), host: "127.0.0.1", noDelay: true });
  secure.setNoDelay(true);
  secure.pipe(plain).pipe(secure);
  for (const [one, other] of [
    [secure, plain],
    [plain, secure],
  ])
    one.on("error", () => other.destroy()); // A client that hangs up is no failure of this side.
});
const port = await listening(tls);

announce({
  baseUrl: simulator.baseUrl,
  fileBaseUrl: simulator.fileBaseUrl,
  httpsUrl: `https://localhost:${port}`,
  caFile: join(FIXTURES, "ca.pem"),
  environments: simulator.environments.owner,
  ids: SIMULATED,
});
