// The stand-ins for Atlas, each in its own process: `atlas.mjs simulator <options>` or `atlas.mjs line <settings>`.
// Each prints its facts as one line of JSON and ends when its standard input does.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer, request } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");
const FIXTURES = join(ROOT, "test/fixtures");
/** A line buffers as much as a router with a queue of this length. */
const QUEUE_MS = 25;

const [part, settings] = process.argv.slice(2);
const facts = await { simulator: runSimulator, line: runLine }[part](JSON.parse(settings));
process.stdout.write(`${JSON.stringify(facts)}\n`);
process.stdin.resume().on("end", () => process.exit(0));

/** The embedded simulator, over http and over https. */
async function runSimulator(options) {
  const { startSimulator, SIMULATED } = await loadSimulator();
  const { baseUrl, fileBaseUrl, environments } = await startSimulator(options);
  const tls = createTlsServer({
    cert: await readFile(join(FIXTURES, "server.pem")),
    key: await readFile(join(FIXTURES, "server-key.pem")),
  });
  tls.on("secureConnection", (secure) => {
    const plain = connect({ port: Number(new URL(baseUrl).port), host: "127.0.0.1", noDelay: true });
    secure.setNoDelay(true);
    secure.pipe(plain).pipe(secure);
    // When one side hangs up, the other is closed too.
    secure.on("error", () => plain.destroy());
    plain.on("error", () => secure.destroy());
  });
  return {
    ...{ baseUrl, fileBaseUrl, httpsUrl: `https://localhost:${await listening(tls)}` },
    ...{ caFile: join(FIXTURES, "ca.pem"), environments: environments.owner, ids: SIMULATED },
  };
}

/** Bundled, since not every supported Node.js loads TypeScript. */
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

/** Relays in front of a running simulator. They delay every byte and limit the rate of the file. */
async function runLine({ baseUrl, fileBaseUrl, roundTripMs, bytesPerSecond }) {
  const fileLine = await lineTo(new URL(fileBaseUrl), roundTripMs, Number(bytesPerSecond));
  // Passes on the API's answers, but with links to the file line. The signature of a link does not cover the host.
  const relay = createHttpServer((incoming, answer) => {
    const { method, url } = incoming;
    // Bodies stay text, in which links can be replaced.
    const { "accept-encoding": _, ...headers } = incoming.headers;
    const outgoing = request(new URL(url, baseUrl), { method, headers }, async (response) => {
      const body = Buffer.concat(await response.toArray())
        .toString()
        .replaceAll(fileBaseUrl, fileLine);
      const { "transfer-encoding": __, ...kept } = response.headers;
      answer.writeHead(response.statusCode, { ...kept, "content-length": Buffer.byteLength(body) }).end(body);
    });
    outgoing.on("error", () => answer.destroy()); // The client sees the same broken connection as without the relay.
    incoming.pipe(outgoing);
  });
  const relayUrl = new URL(`http://127.0.0.1:${await listening(relay)}`);
  return { baseUrl: await lineTo(relayUrl, roundTripMs, Number.POSITIVE_INFINITY), fileBaseUrl: fileLine };
}

/** Adds the round trip of connecting, which loopback does not have. */
async function lineTo(target, roundTripMs, rate) {
  const line = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    near.pause();
    setTimeout(() => {
      const far = connect({ port: Number(target.port), host: target.hostname, noDelay: true, allowHalfOpen: true });
      carry(near, far, roundTripMs / 2, Number.POSITIVE_INFINITY);
      carry(far, near, roundTripMs / 2, rate);
      near.resume();
    }, roundTripMs);
  });
  return `http://127.0.0.1:${await listening(line)}`;
}

/** One direction of a line: each chunk leaves after the one before it, and arrives `delayMs` later. */
function carry(from, to, delayMs, rate) {
  const queue = [];
  let freeAt = 0;
  let timer;

  const deliver = () => {
    timer = undefined;
    while (queue.length > 0 && queue[0].at <= performance.now()) {
      const { chunk } = queue.shift();
      if (chunk === undefined) to.end();
      else to.write(chunk);
    }
    if (queue.length > 0) timer = setTimeout(deliver, queue[0].at - performance.now());
    const waitingMs = Math.max(0, freeAt - performance.now());
    if (from.isPaused() && waitingMs < QUEUE_MS / 2 && !to.writableNeedDrain) from.resume();
  };
  const send = (chunk) => {
    const now = performance.now();
    freeAt = Math.max(freeAt, now) + ((chunk?.length ?? 0) / rate) * 1_000;
    queue.push({ chunk, at: freeAt + delayMs });
    if (freeAt - now > QUEUE_MS || to.writableNeedDrain) from.pause();
    timer ??= setTimeout(deliver, queue[0].at - now);
  };
  from.on("data", send);
  from.on("end", () => send(undefined));
  to.on("drain", deliver);
  from.on("error", () => to.destroy()); // When one side hangs up, the other is closed too.
  to.on("close", () => {
    clearTimeout(timer);
    from.destroy();
  });
}

/** Makes a server listen on a free port of loopback; resolves to the port. */
async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}
