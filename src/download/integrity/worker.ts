import { parentPort, workerData } from "node:worker_threads";
import { type Await, type Extent, examineArchive } from "./examine.ts";
import type { CheckOrder, FeedMessage, WorkerMessage } from "./protocol.ts";

// The thread of one check: its own file in dist, started by archive-check.ts.

const port = parentPort;
if (port === null) throw new Error("This file runs as a worker thread only");

const order: CheckOrder = workerData;
const send = (message: WorkerMessage) => port.postMessage(message);

let extent: Extent = { bytes: 0, complete: false };
let wake = () => {};
port.on("message", (message: FeedMessage) => {
  // Ends this thread only, between two turns of its event loop, and closes what it has open.
  if (message.type === "stop") process.exit();
  extent = { bytes: message.bytes, complete: message.last };
  wake();
});

const reached: Await = async (bytes) => {
  while (extent.bytes < bytes && !extent.complete) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  return extent;
};

try {
  const report = await examineArchive(order, reached, (bytes) => send({ type: "checked", bytes }));
  send({ type: "report", report });
} catch (error) {
  send({ type: "failed", error });
}
port.close();
