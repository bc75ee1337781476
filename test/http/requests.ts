import { onTestFinished } from "vitest";
import { Failure } from "../../src/core/errors.ts";
import type { HttpRequest, HttpResponse, Send } from "../../src/http/messages.ts";
import { createTransport } from "../../src/http/transport.ts";

/** A GET with ten seconds left. */
export function get(url: URL, changes: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    url,
    headers: {},
    deadline: Date.now() + 10_000,
    signal: new AbortController().signal,
    ...changes,
  };
}

/** Like the request for a download, which must never be repeated by accident. */
export function post(url: URL, changes: Partial<HttpRequest> = {}): HttpRequest {
  return get(url, { method: "POST", body: '{"snapshotId":"x"}', freshConnection: true, ...changes });
}

/** The `send` of a transport that is closed when the test ends. */
export function transport(options: Partial<Parameters<typeof createTransport>[0]> = {}): Send {
  const { send, close } = createTransport({ proxy: {}, userAgent: "atlas-flex-snapshots-mcp/0.0.0", ...options });
  onTestFinished(close);
  return send;
}

/** The failure that a request ends with. */
export async function failureOf(response: Promise<HttpResponse>): Promise<Failure> {
  const reason = await response.then(
    ({ status }) => `a response with status ${status}`,
    (reason: unknown) => reason,
  );
  if (reason instanceof Failure) return reason;
  throw new Error("expected a failure", { cause: reason });
}
