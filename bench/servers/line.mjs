// A long or narrow line in front of a running simulator, as relays on loopback. Prints where it begins; ends with its stdin.
import { createServer as createHttpServer, request } from "node:http";
import { connect, createServer } from "node:net";
import { announce, listening } from "./listening.mjs";

const { baseUrl, fileBaseUrl, roundTripMs, bytesPerSecond } = JSON.parse(process.argv[2]);

/** What a line holds beyond what is in flight: as much as a router that queues for this long. */
const QUEUE_MS = 25;

/** One direction of a line: every chunk leaves as soon as those before it have, and arrives half a round trip later. */
function carry(from, to, rate) {
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
    queue.push({ chunk, at: freeAt + roundTripMs / 2 });
    if (freeAt - now > QUEUE_MS || to.writableNeedDrain) from.pause();
    timer ??= setTimeout(deliver, queue[0].at - now);
  };
  from.on("data", send);
  from.on("end", () => send(undefined));
  to.on("drain", deliver);
  from.on("error", () => to.destroy()); // A side that hangs up takes the other one with it.
  to.on("close", () => {
    clearTimeout(timer);
    from.destroy();
  });
}

/** Connecting costs a round trip too, which loopback would give for nothing. */
async function lineTo(target, rate) {
  const line = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    near.pause();
    setTimeout(() => {
      const far = connect({ port: Number(target.port), host: target.hostname, noDelay: true, allowHalfOpen: true });
      carry(near, far, Number.POSITIVE_INFINITY);
      carry(far, near, rate);
      near.resume();
    }, roundTripMs);
  });
  return `http://127.0.0.1:${await listening(line)}`;
}

const fileLine = await lineTo(new URL(fileBaseUrl), Number(bytesPerSecond));

/** The API as it is, but for the links, which then lead to the line of the file host. Their signature leaves the host out. */
const relay = createHttpServer((incoming, answer) => {
  const { method, url, headers } = incoming;
  const outgoing = request(new URL(url, baseUrl), { method, headers }, async (response) => {
    const body = Buffer.concat(await response.toArray())
      .toString()
      .replaceAll(fileBaseUrl, fileLine);
    const { "transfer-encoding": _, ...kept } = response.headers;
    answer.writeHead(response.statusCode, { ...kept, "content-length": Buffer.byteLength(body) }).end(body);
  });
  outgoing.on("error", () => answer.destroy()); // The client then sees a broken connection, as it would without the relay.
  incoming.pipe(outgoing);
});
const relayPort = await listening(relay);

announce({
  baseUrl: await lineTo(new URL(`http://127.0.0.1:${relayPort}`), Number.POSITIVE_INFINITY),
  fileBaseUrl: fileLine,
});
