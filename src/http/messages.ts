// One HTTP request and its response as the rest of the program sees them.
import { type CallLimits, httpDate } from "../core/time.ts";

export interface HttpRequest extends CallLimits {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Use a new connection: a kept one may just have been closed, which leaves the outcome of a POST unknown. */
  freshConnection?: boolean;
}

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  /** The parsed body; undefined when it is empty or not JSON. */
  json: unknown;
  /** Bytes of the body as it arrived, where the transport counted them. */
  bodyBytes?: number;
}

/** Sends one request. Rejects with a `Failure` unless a complete response arrives; with the signal's reason when aborted. */
export type Send = (request: HttpRequest) => Promise<HttpResponse>;

/** Wraps a `Send` to add one capability, such as retries. */
export type Middleware = (next: Send) => Send;

/** The value of a header; the first when the server sent several. */
export function headerOf({ headers }: Pick<HttpResponse, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The response's `Date`, milliseconds since the epoch. */
export function serverTimeOf(response: Pick<HttpResponse, "headers">): number | undefined {
  return httpDate(headerOf(response, "date") ?? "");
}
