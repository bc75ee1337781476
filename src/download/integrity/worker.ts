// The entry of the thread that checks one archive: built as a file of its own and started by `archive-check.ts`.
import { parentPort, workerData } from "node:worker_threads";
import type { CheckOrder, FeedMessage, WorkerMessage } from "./archive-check.ts";
import { type Extent, examineArchive } from "./examine.ts";

const port = parentPort;
if (port === null) throw new Error("This file runs as a worker thread only");

const order: CheckOrder = workerData;
const send = (message: WorkerMessage) => port.postMessage(message);

let extent: Extent = { bytes: 0, complete: false };
let wake = () => {};
port.on("message", (message: FeedMessage) => {
  // In a worker, exit ends only this thread, between two turns of its event loop, and closes its files.
  if (message.type === "stop") process.exit();
  extent = { bytes: message.bytes, complete: message.last };
  wake();
});

async function untilWritten(bytes: number): Promise<Extent> {
  while (extent.bytes < bytes && !extent.complete) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  return extent;
}

try {
  const report = await examineArchive(order, untilWritten, (bytes) => send({ type: "checked", bytes }));
  send({ type: "report", report });
} catch (error) {
  send({ type: "failed", error });
}
port.close();
