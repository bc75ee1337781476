/** One HTTP request as the rest of the program sees it. */
export interface HttpRequest {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Send on a connection of its own: the outcome of a request that is not idempotent must not hang on a stale one. */
  freshConnection?: boolean;
  /** Moment at which the caller gives up, milliseconds since the epoch; waiting beyond it is pointless. */
  deadline: number;
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  /** The parsed body; undefined when it is empty or not JSON. */
  json: unknown;
}

/** Sends one request; rejects with a `Failure` when no complete response arrives, with the signal's reason when aborted. */
export type Send = (request: HttpRequest) => Promise<HttpResponse>;

/** A capability around a `Send`: retry, signing, reading. */
export type Middleware = (next: Send) => Send;

/** Edges of the outside world, passed in as plain values so that tests can hold them still. */
export interface Clock {
  /** Milliseconds since the epoch; jumps when the computer's clock is set. */
  now: () => number;
  /** Milliseconds since any moment, for durations: goes on evenly when the clock is set. */
  ticks: () => number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** One header's value; the first where a server sent several. */
export function headerOf({ headers }: Pick<HttpResponse, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
