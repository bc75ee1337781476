import type { HttpResponse, Middleware } from "../http/send.ts";

/**
 * Unwraps bodies asked for with `envelope=true`, wherever they appear: `{status, content}` around a resource, an extra
 * `status` beside a list's `results`. The wrapped status then acts as the real one, so that signing and retry see a
 * wrapped 401 or 429. One old page of Atlas's documentation names the second field `envelope`.
 */
export const unwrapEnvelope: Middleware = (next) => async (request) => unwrap(await next(request));

function unwrap(response: HttpResponse): HttpResponse {
  const { json } = response;
  if (typeof json !== "object" || json === null || !("status" in json)) return response;
  const { status } = json;
  if (typeof status !== "number" || !Number.isInteger(status) || status < 100 || status > 599) return response;
  if ("content" in json) return { ...response, status, json: json.content };
  if ("envelope" in json) return { ...response, status, json: json.envelope };
  return { ...response, status };
}
