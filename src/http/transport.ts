import { Agent, request } from "undici";
import { ownFailure } from "../errors.ts";
import type { Send } from "./send.ts";

/** An API answer above this is not one: a full page of 500 items stays far below. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Sends over keep-alive connections; redirects come back as they are, bodies above 8 MiB are refused. */
export function createTransport(): { send: Send; close: () => Promise<void> } {
  const agent = new Agent({
    connect: { timeout: 10_000 },
    headersTimeout: 25_000,
    bodyTimeout: 25_000,
    maxResponseSize: MAX_BODY_BYTES,
  });
  const send: Send = async ({ method, url, headers, body, signal }) => {
    try {
      const response = await request(url, { dispatcher: agent, method, headers, body: body ?? null, signal });
      return { status: response.statusCode, headers: response.headers, json: parseJson(await response.body.text()) };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw ownFailure("CONNECTION_LOST", { detail: `No answer from ${url.host}.` }, { cause });
    }
  };
  return { send, close: () => agent.destroy() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
