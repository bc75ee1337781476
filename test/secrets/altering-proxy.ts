import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** Stands between the server and a simulator, which may start later, and changes each JSON answer on its way. */
export async function startAlteringProxy(target: () => string, alter: (path: string, json: unknown) => unknown) {
  const server = createServer(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const { host: _, connection: __, "content-length": ___, ...kept } = headers;
    const body = method === "GET" ? {} : { body: await text(request) };
    const answer = await fetch(new URL(url, target()), { method, headers: Object.entries(kept).map(pair), ...body });
    const received = await answer.text();
    const { "content-length": ____, ...sent } = Object.fromEntries(answer.headers);
    response.writeHead(answer.status, sent).end(received && JSON.stringify(alter(url, JSON.parse(received))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port.");
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const pair = ([name, value]: [string, string | string[] | undefined]): [string, string] => [name, String(value ?? "")];

/** Every object within a JSON value, changed from the inside out. */
export function mapObjects(
  value: unknown,
  change: (object: Record<string, unknown>) => Record<string, unknown>,
): unknown {
  if (Array.isArray(value)) return value.map((item) => mapObjects(item, change));
  if (typeof value !== "object" || value === null) return value;
  return change(Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapObjects(item, change)])));
}
