import type { CallLimits } from "../core/time.ts";

/** One HTTP request as the rest of the program sees it. */
export interface HttpRequest extends CallLimits {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Send on a connection of its own: the outcome of a request that is not idempotent must not hang on a stale one. */
  freshConnection?: boolean;
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

/** One header's value; the first where a server sent several. */
export function headerOf({ headers }: Pick<HttpResponse, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
