import { once } from "node:events";
import { createServer, type Socket } from "node:net";

/** A file on its host. */
export interface RemoteFile {
  bytes: Buffer;
  etag?: string;
  lastModified?: string;
}

export interface SeenRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** Answers one request; the last behaviour of a script answers every later request too. */
export type Behaviour = (request: SeenRequest, socket: Socket) => void | Promise<void>;

export interface FaultServer {
  url: string;
  requests: SeenRequest[];
  /** Open connections; a transfer that does not close its connection shows here. */
  connections: () => number;
  script: (...behaviours: Behaviour[]) => void;
  close: () => Promise<void>;
}

/** A file host on loopback that writes HTTP byte by byte, so that it can break every rule of HTTP. */
export async function startFaultServer(...initial: Behaviour[]): Promise<FaultServer> {
  const sockets = new Set<Socket>();
  const requests: SeenRequest[] = [];
  let behaviours = initial;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let head = "";
    socket.on("data", (data) => {
      head += data.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      const request = parse(head);
      head = "";
      requests.push(request);
      const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
      void behaviour?.(request, socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : "";
  return {
    url: `http://127.0.0.1:${port}/files/snapshot.tgz?X-Amz-Signature=SENTINEL-SIGNATURE`,
    requests,
    connections: () => sockets.size,
    script: (...next) => {
      behaviours = next;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function parse(head: string): SeenRequest {
  const [line = "", ...rest] = head.split("\r\n\r\n")[0]?.split("\r\n") ?? [];
  const [method = "", path = ""] = line.split(" ");
  const headers = rest.map((header) => {
    const colon = header.indexOf(":");
    return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
  });
  return { method, path, headers: Object.fromEntries(headers) };
}

export interface Twist {
  status?: string;
  version?: string;
  /** Replaces headers of the honest response; undefined removes a header. */
  headers?: Record<string, string | undefined>;
  /** Replaces the body. */
  body?: Buffer;
  /** Body bytes sent before `end`; all by default. */
  after?: number;
  end?: "keep" | "fin" | "rst" | "stall";
  chunked?: "ended" | "unended";
  /** Milliseconds before the status line. */
  delayMs?: number;
  /** Sends the body in pieces of `bytes` every `ms`. */
  trickle?: { bytes: number; ms: number };
  /** Answers as if the request had no Range. */
  ignoreRange?: boolean;
  /** Sends the Range whatever If-Range says. */
  ignoreIfRange?: boolean;
}

/** The honest response for a file (RFC 9110 §14), with a twist. */
export function serve(file: RemoteFile, twist: Twist = {}): Behaviour {
  return async (request, socket) => {
    if (twist.delayMs) await pause(twist.delayMs);
    const honest = answer(file, request, twist);
    const body = twist.body ?? honest.body;
    const length = twist.chunked ? { "transfer-encoding": "chunked" } : { "content-length": String(body.length) };
    const headers: Record<string, string | undefined> = { ...honest.headers, ...length, ...twist.headers };
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${value}`],
    );
    socket.write([`HTTP/${twist.version ?? "1.1"} ${twist.status ?? honest.status}`, ...lines, "", ""].join("\r\n"));
    const sent = body.subarray(0, twist.after ?? body.length);
    for (const piece of piecesOf(sent, twist.trickle?.bytes ?? sent.length)) {
      if (socket.destroyed) return;
      socket.write(twist.chunked ? framed(piece) : piece);
      if (twist.trickle) await pause(twist.trickle.ms);
    }
    if (twist.chunked === "ended") socket.write("0\r\n\r\n");
    const end = twist.end ?? (sent.length < body.length || twist.chunked === "unended" ? "fin" : "keep");
    if (end === "fin") socket.end();
    // A reset drops what either side still buffers, so the bytes before it get time to arrive.
    if (end === "rst") setTimeout(() => socket.resetAndDestroy(), 20);
  };
}

function answer(file: RemoteFile, { headers }: SeenRequest, twist: Twist) {
  const validators = {
    date: new Date().toUTCString(),
    "accept-ranges": "bytes",
    ...(file.etag && { etag: file.etag }),
    ...(file.lastModified && { "last-modified": file.lastModified }),
  };
  const start = /^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1];
  const condition = headers["if-range"];
  const matches = condition === file.etag || condition === file.lastModified || twist.ignoreIfRange;
  if (start === undefined || twist.ignoreRange || !matches) {
    return { status: "200 OK", headers: validators, body: file.bytes };
  }
  const { length } = file.bytes;
  if (Number(start) >= length) {
    const range = { ...validators, "content-range": `bytes */${length}` };
    return { status: "416 Range Not Satisfiable", headers: range, body: Buffer.alloc(0) };
  }
  const range = { ...validators, "content-range": `bytes ${start}-${length - 1}/${length}` };
  return { status: "206 Partial Content", headers: range, body: file.bytes.subarray(Number(start)) };
}

/** A response with the given body, whatever the request. */
export function respond(status: string, headers: Record<string, string> = {}, body = ""): Behaviour {
  return serve({ bytes: Buffer.from(body) }, { status, headers, ignoreRange: true });
}

function framed(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
}

function* piecesOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
