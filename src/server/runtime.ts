// Wires what the tools work with: the client of Atlas, the download folder, and the source of download links.
import { type AccessEdges, openAtlas } from "../atlas/access.ts";
import type { Atlas } from "../atlas/client.ts";
import type { Config } from "../config/types.ts";
import type { Log } from "../core/logger.ts";
import { isLoopback } from "../core/loopback.ts";
import {
  type FileExchange,
  SIMULATED_PREFIX,
  type SnapshotKeeper,
  type SnapshotStore,
  type StoreEvent,
} from "../download/contract.ts";
import { createSnapshotStore } from "../download/store.ts";
import type { ToolName } from "../tools/catalog.ts";
import type { Saves } from "../tools/tool.ts";
import { createSaves } from "./saves.ts";
import { createSnapshotSource } from "./snapshot-source.ts";

/** Created at the first tool call, so that the server starts fast and touches neither network nor disk. */
export interface Runtime {
  atlas: Atlas;
  store: SnapshotStore & SnapshotKeeper;
  saves: Saves;
  /** Stops running saves and checks, and revokes the access token. */
  close: () => Promise<void>;
}

export async function createRuntime(
  config: Config,
  edges: AccessEdges & {
    log: Log;
    tools: readonly ToolName[];
    /** Called with each request to a file host and what came of it. */
    onFileExchange?: (exchange: FileExchange) => void;
  },
): Promise<Runtime> {
  const { clock, log, redactor, tools, onFileExchange } = edges;
  // A save that nobody can stop ends with the last call that waits for it.
  const outlivesCalls = tools.includes("stop_saving_snapshot");
  const { atlas, baseUrl, signOut, close } = await openAtlas(config, edges);
  const store = createSnapshotStore({
    directory: config.downloadDir,
    filePrefix: config.simulate ? SIMULATED_PREFIX : "",
    source: createSnapshotSource({ atlas, clock }),
    checkWorker: new URL("./archive-check-worker.js", import.meta.url),
    allowLoopback: isLoopback(baseUrl),
    fileHosts: config.fileHosts,
    readOnly: config.readOnly,
    outlivesCalls,
    proxy: config.proxy,
    clock,
    log: ({ event, ...fields }) => log[LEVELS[event]](fields, event),
    onLink: redactor.addLink,
    ...(onFileExchange && { onExchange: onFileExchange }),
  });
  const saves = createSaves({ ...config, atlas, store, clock, log, outlivesCalls });
  return {
    atlas,
    store,
    saves,
    async close() {
      saves.close();
      await Promise.all([store.close(), signOut()]);
      await close();
    },
  };
}

/** A warning is what a person should look into; the other events are the course of a save, which also mends itself. */
const LEVELS: Record<StoreEvent["event"], "info" | "warn"> = {
  "folder-unprotected": "warn",
  "folder-unsynced": "info",
  "call-ended": "info",
  "transfer-started": "info",
  transferring: "info",
  "file-host-answered": "info",
  "transfer-retried": "info",
  "link-refused": "info",
  "transfer-started-over": "info",
  "file-damaged": "warn",
  "transfer-paused": "warn",
  "transfer-failed": "warn",
  "file-saved": "info",
  "file-deleted": "info",
};
