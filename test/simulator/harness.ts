import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { SIMULATED, type Simulator } from "../../src/simulator/simulator.ts";

/** A clock that stands still until `advance` is called. */
export function createClock(start = Date.UTC(2026, 10, 24, 12)) {
  let time = start;
  return {
    now: () => time,
    advance: (ms: number) => {
      time += ms;
    },
  };
}

export interface Exchange {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Stop reading after this many bytes. */
  stopAfterBytes?: number;
  /** Give up when nothing arrives for this long. */
  patienceMs?: number;
  agent?: Agent;
}

export interface Answer {
  /** 0 when no head arrived. */
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  text: string;
  end: "complete" | "aborted" | "stopped" | "impatient";
  /** The informational statuses before the answer. */
  informational: number[];
}

/** Long enough for a busy machine; short for faults after which nothing arrives. */
export function patienceMsFor(fault: string): number {
  return /^(hang|stall)/.test(fault) ? 500 : 5_000;
}

/** Sends one request without following redirects or decoding. A broken connection resolves to an answer too. */
export function send(url: string, exchange: Exchange = {}): Promise<Answer> {
  const {
    method = "GET",
    headers = {},
    body,
    stopAfterBytes = Number.POSITIVE_INFINITY,
    patienceMs = 5_000,
  } = exchange;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const informational: number[] = [];
    let head: { status: number; headers: IncomingHttpHeaders } = { status: 0, headers: {} };
    const sent = request(url, { method, headers, agent: exchange.agent ?? new Agent() });
    const finish = (end: Answer["end"]) => {
      const bytes = Buffer.concat(chunks).subarray(0, stopAfterBytes);
      resolve({ ...head, bytes, text: bytes.toString(), end, informational });
      if (end !== "complete") sent.destroy();
    };
    sent.setTimeout(patienceMs, () => finish("impatient"));
    sent.on("error", () => finish("aborted"));
    sent.on("information", ({ statusCode }) => informational.push(statusCode));
    sent.on("response", (response) => {
      head = { status: response.statusCode ?? 0, headers: response.headers };
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= stopAfterBytes) finish("stopped");
      });
      response.on("error", () => finish("aborted"));
      response.on("end", () => finish(response.complete ? "complete" : "aborted"));
    });
    sent.end(body);
  });
}

/** The raw bytes of the answer, up to the end of the connection. */
export function sendRaw(url: string): Promise<Buffer> {
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("end", () => resolve(Buffer.concat(chunks)));
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
  });
}

export const V2 = "/api/atlas/v2";
export const ORDERS = `${V2}/groups/${SIMULATED.groupId}/flexClusters/${SIMULATED.name}`;
export const ACCEPT = "application/vnd.atlas.2024-11-13+json";

interface ApiAnswer extends Answer {
  json: JsonAnswer;
}

/** The fields that tests look at. */
export interface JsonAnswer {
  [field: string]: unknown;
  results?: JsonAnswer[];
  links?: { href: string; rel: string }[];
}

/** One API call with the ready-made token of the owner. */
export async function call(simulator: Simulator, path: string, exchange: Exchange = {}): Promise<ApiAnswer> {
  const answer = await send(path.startsWith("http") ? path : `${simulator.baseUrl}${path}`, {
    ...exchange,
    headers: {
      accept: ACCEPT,
      authorization: `Bearer ${SIMULATED.accessToken}`,
      ...(exchange.body === undefined ? {} : { "content-type": ACCEPT }),
      ...exchange.headers,
    },
  });
  return { ...answer, json: parse(answer.text) };
}

export function requestDownload(
  simulator: Simulator,
  snapshotId: string = SIMULATED.snapshotId,
  { path = ORDERS, ...exchange }: Exchange & { path?: string } = {},
): Promise<ApiAnswer> {
  return call(simulator, `${path}/backup/download`, {
    method: "POST",
    body: JSON.stringify({ snapshotId }),
    ...exchange,
  });
}

/** The link of the download job that exists from the start, or of a new job for `snapshotId`. */
export async function linkOf(
  simulator: Simulator,
  name: string = SIMULATED.name,
  snapshotId?: string,
): Promise<string> {
  const path = `${V2}/groups/${SIMULATED.groupId}/flexClusters/${name}`;
  const { json } = await (snapshotId === undefined
    ? call(simulator, `${path}/backup/restoreJobs/${SIMULATED.restoreJobId}`)
    : requestDownload(simulator, snapshotId, { path }));
  if (typeof json.snapshotUrl !== "string") throw new Error(`No link in ${JSON.stringify(json)}`);
  return json.snapshotUrl;
}

function parse(text: string): JsonAnswer {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
