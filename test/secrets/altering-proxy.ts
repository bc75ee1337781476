import { text } from "node:stream/consumers";
import { serve } from "../http/servers.ts";

/**
 * Starts a proxy that changes each JSON answer of a simulator until the test ends, and returns its base URL. The simulator may
 * start later.
 */
export async function startAlteringProxy(target: () => string, alter: (json: unknown) => unknown): Promise<string> {
  const { url: own } = await serve(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const { host: _, connection: __, "content-length": ___, ...kept } = headers;
    const body = method === "GET" ? {} : { body: await text(request) };
    const answer = await fetch(new URL(url, target()), { method, headers: Object.entries(kept).map(pair), ...body });
    const received = await answer.text();
    const { "content-length": ____, ...sent } = Object.fromEntries(answer.headers);
    response.writeHead(answer.status, sent).end(received && JSON.stringify(alter(JSON.parse(received))));
  });
  return own.origin;
}

const pair = ([name, value]: [string, string | string[] | undefined]): [string, string] => [name, String(value ?? "")];

/** Changes every object within a JSON value, the innermost first. */
export function mapObjects(
  value: unknown,
  change: (object: Record<string, unknown>) => Record<string, unknown>,
): unknown {
  if (Array.isArray(value)) return value.map((item) => mapObjects(item, change));
  if (typeof value !== "object" || value === null) return value;
  return change(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapObjects(item, change)])));
}
