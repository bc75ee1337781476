import { Agent, request } from "undici";
import { Failure } from "../errors.ts";

/** One HTTP request as the rest of the program sees it. */
export interface HttpRequest {
  method: "GET" | "POST";
  url: URL;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export type Send = (request: HttpRequest) => Promise<HttpResponse>;

/** An API answer above this is not one: a full page of 500 items stays far below. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Sends over keep-alive connections; redirects come back as they are, bodies above 8 MiB are refused. */
export function createSend(): { send: Send; close: () => Promise<void> } {
  const agent = new Agent({
    connect: { timeout: 10_000 },
    headersTimeout: 25_000,
    bodyTimeout: 25_000,
    maxResponseSize: MAX_BODY_BYTES,
  });
  const send: Send = async ({ method, url, headers, body, signal }) => {
    try {
      const response = await request(url, { dispatcher: agent, method, headers, body: body ?? null, signal });
      return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw new Failure(
        {
          errorCode: "NETWORK_ERROR",
          detail: `No answer from ${url.host}.`,
          source: "network",
          retryable: true,
          hint: "Check the network connection, the proxy and MONGODB_ATLAS_BASE_URL, then call again.",
        },
        { cause },
      );
    }
  };
  return { send, close: () => agent.destroy() };
}
