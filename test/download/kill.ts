import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { startChild } from "./child.ts";
import { type Behaviour, type RemoteFile, serve, startFaultServer } from "./fault-server.ts";
import { defaultName, hashOf, namesIn, openStore, readJsonFile, saveTo, sha256, sourceOf } from "./fixtures.ts";

/**
 * Kills a process after the file host has sent `share` of the file, then continues here. The next transfer begins exactly
 * where the dead process had last made sure, and ends with the host's bytes.
 */
export async function killAndContinue(file: RemoteFile, share: number, folder: string, program: string): Promise<void> {
  const stopAt = Math.floor(file.bytes.length * share);
  const honest: Behaviour = serve(file, { trickle: { bytes: 128 * 1024, ms: 4 } });
  const killing: Behaviour = async (request, socket) => {
    const write = socket.write.bind(socket);
    let sent = 0;
    socket.write = (chunk: Uint8Array | string) => {
      sent += chunk.length;
      if (sent > stopAt) child.process.kill("SIGKILL");
      return write(chunk);
    };
    await honest(request, socket);
  };
  const server = await startFaultServer(killing);
  const child = startChild(program, { folder, url: server.url });
  const result = await child.result;
  try {
    expect(result).toBeUndefined();
    const names = await namesIn(folder);
    const committed = names.includes(`${defaultName}.part.json`)
      ? Number((await readJsonFile(folder, `${defaultName}.part.json`)).committedBytes)
      : 0;
    if (committed > 0) {
      expect((await stat(join(folder, `${defaultName}.part`))).size).toBeGreaterThanOrEqual(committed);
    }
    server.script(serve(file));
    const store = openStore(folder, { source: sourceOf(server.url) });
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
    const range = server.requests[1]?.headers.range;
    if (server.requests.length > 1) expect(range).toBe(committed > 0 ? `bytes=${committed}-` : undefined);
  } finally {
    await server.close();
  }
}
