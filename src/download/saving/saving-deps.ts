import type { Slots } from "../../core/concurrency.ts";
import type { Clock } from "../../core/time.ts";
import type { SnapshotIdentity, SnapshotSource, StoreLog } from "../contract.ts";
import type { DownloadDirectory } from "../folder/directory.ts";
import type { CheckedFiles } from "../folder/saved-files.ts";
import type { StartCheck } from "../integrity/archive-check.ts";
import type { Limits } from "../limits.ts";
import type { FileRequester } from "../transfer/file-request.ts";
import type { HostPolicy } from "../transfer/host-policy.ts";
import type { LinkMemory } from "../transfer/link-keeper.ts";

/** What every save of a store works with. */
export interface SavingDeps {
  openDirectory: () => Promise<DownloadDirectory>;
  filePrefix: string;
  source: SnapshotSource;
  requester: FileRequester;
  policy: HostPolicy;
  startCheck: StartCheck;
  slots: Slots;
  checkedFiles: CheckedFiles;
  clock: Clock;
  limits: Limits;
  log: StoreLog;
}

/** What one save is about. */
export interface SaveOrder {
  identity: SnapshotIdentity;
  fileName: string | undefined;
  memory: LinkMemory;
}
