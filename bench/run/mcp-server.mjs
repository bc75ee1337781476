import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * A server on stdio under the thinnest client there is: one line out, one line in. A client library would add its own
 * time to every call. The clock starts before the process does.
 */
export function startServer(command, args, { env = {}, cwd } = {}) {
  const startedAt = performance.now();
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, cwd, stdio: "pipe" });
  const ended = once(child, "close");
  const waiting = new Map();
  let lastId = 0;
  let log = "";
  let rest = "";

  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) settle(JSON.parse(line));
  });
  // A host reads the log, so it is read here; its end says why a server died.
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    log = (log + chunk).slice(-4_000);
  });
  child.stdin.on("error", () => undefined); // What happened is told by "close".
  child.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error(`${command} ended without an answer.\n${log}`));
    waiting.clear();
  });

  function settle({ id, result, error }) {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(new Error(JSON.stringify(error)));
    else resolve?.(result);
  }

  function send(message) {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  function request(method, params = {}) {
    lastId += 1;
    const id = lastId;
    send({ id, method, params });
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  }

  return {
    pid: child.pid,
    elapsedMs: () => performance.now() - startedAt,
    request,
    initialize: async () => {
      const clientInfo = { name: "bench", version: "1.0.0" };
      await request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
      send({ method: "notifications/initialized" });
    },
    /** The structured content of a call that must succeed. */
    call: async (name, args = {}) => {
      const { isError, structuredContent, content } = await request("tools/call", { name, arguments: args });
      if (isError) throw new Error(`${name}: ${content[0].text}`);
      return structuredContent;
    },
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
