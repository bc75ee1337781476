import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Operation } from "./faults/words.ts";

/** Older requests are forgotten, so that a simulator can run for days; the counts go on. */
const MAX_RECORDED = 20_000;

export interface RecordedRequest {
  /** `unknown` for a path that is none of the API. */
  operation: Operation | "unknown";
  method: string;
  /** The request target, query included. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Connections are numbered in the order of their first request. */
  connectionId: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** What was answered; 0 while, or because, nothing was. */
  status: number;
}

export interface Recorder {
  requests: RecordedRequest[];
  count: (operation: Operation | "api" | "unknown") => number;
  counts: () => Record<string, number>;
  /** Returns what to call with the status when the answer begins. */
  record: (operation: Operation | "unknown", request: IncomingMessage) => (status: number) => void;
}

export function createRecorder(now: () => number): Recorder {
  const requests: RecordedRequest[] = [];
  const counts = new Map<string, number>();
  const connections = new WeakMap<Socket, number>();
  let connectionCount = 0;

  function connectionId(socket: Socket): number {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    connectionCount += 1;
    connections.set(socket, connectionCount);
    return connectionCount;
  }

  return {
    requests,
    count: (operation) => {
      if (operation !== "api") return counts.get(operation) ?? 0;
      const others = ["token", "revoke", "file", "unknown"];
      return [...counts].reduce((sum, [name, count]) => (others.includes(name) ? sum : sum + count), 0);
    },
    counts: () => Object.fromEntries(counts),
    record: (operation, request) => {
      const { method = "", url = "", headers, socket } = request;
      const entry = { operation, method, path: url, headers, connectionId: connectionId(socket), at: now(), status: 0 };
      requests.push(entry);
      if (requests.length > MAX_RECORDED) requests.shift();
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      return (status) => {
        entry.status = status;
      };
    },
  };
}
