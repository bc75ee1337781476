import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const SERVERS = join(import.meta.dirname, "../servers");

/** A program of bench/servers in a process of its own: resolves with the facts that it prints, and ends with its stdin. */
async function startAside(program, settings) {
  const child = spawn(process.execPath, [join(SERVERS, program), JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "close").then(() => Promise.reject(new Error(`${program} did not start.`))),
  ]);
  return {
    ...JSON.parse(line),
    close: async () => {
      const closed = once(child, "close");
      child.stdin.end();
      await closed;
    },
  };
}

/** Enough that no limit of Atlas's gets in the way of what is measured. */
const UNLIMITED = {
  rateLimit: { capacity: 1e9, refillPerMinute: 1e9 },
  tokenRequestsPerMinute: 1e6,
  liveTokens: 1e6,
  downloadLimit: 1e6,
};

/** The embedded simulator, without its limits unless told otherwise, over http and, at `httpsUrl`, over https. */
export function startSimulator(options = {}) {
  return startAside("simulator.mjs", { ...UNLIMITED, ...options });
}

/** The same simulator behind a long or narrow line; `baseUrl` and the links that it hands out lead through it. */
export function startLine({ baseUrl, fileBaseUrl }, { roundTripMs, bytesPerSecond = Number.POSITIVE_INFINITY }) {
  return startAside("line.mjs", { baseUrl, fileBaseUrl, roundTripMs, bytesPerSecond: String(bytesPerSecond) });
}
