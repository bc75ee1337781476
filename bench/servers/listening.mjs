import { once } from "node:events";

/** Lets a server listen on a free port of loopback and resolves with the port. */
export async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

/** Tells the process that started this one what it must know, and ends when that one closes the line or is gone. */
export function announce(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
  process.stdin.resume().on("end", () => process.exit(0));
}
