import type { IncomingHttpHeaders } from "node:http";
import type { Signer, SignerContext } from "../../src/auth/signer.ts";
import type { HttpRequest } from "../../src/http/messages.ts";
import { manualClock } from "../http/clocks.ts";
import { get, transport } from "../http/requests.ts";
import { serve } from "../http/servers.ts";

export interface Answer {
  status: number;
  /** A string is sent unchanged, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string | string[]>;
}

export interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

type Handler = (request: Seen, count: number) => Answer | Promise<Answer> | "hang";

export const token = (value = "access-token-0001", more: object = {}): Answer => ({
  status: 200,
  body: { access_token: value, expires_in: 3600, token_type: "Bearer", ...more },
});

/** The rejection of Atlas's gateway, recorded since August 2026. Until July 2026 it had no error code. */
export const unauthorized: Answer = {
  status: 401,
  body: {
    error: 401,
    reason: "Unauthorized",
    detail: "You are not authorized for this resource.",
    errorCode: "UNEXPECTED_ERROR",
  },
};

/** A real server with the given answers, and what a signer needs to talk to it by the same clock. */
export async function serveAtlas(handlers: { token?: Handler; revoke?: Handler; api?: Handler }) {
  const seen = { token: [] as Seen[], revoke: [] as Seen[], api: [] as Seen[] };
  const server = await serve(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const path = request.url ?? "";
    const kind = path === "/api/oauth/token" ? "token" : path === "/api/oauth/revoke" ? "revoke" : "api";
    const handler: Handler = handlers[kind] ?? (() => (kind === "token" ? token() : { status: 200 }));
    const here = { method: request.method ?? "", path, headers: request.headers, body };
    const count = seen[kind].push(here);
    const answer = await handler(here, count);
    if (answer === "hang") return;
    response.writeHead(answer.status, answer.headers ?? {});
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? {}));
  });
  const clock = manualClock();
  const secrets: string[] = [];
  const send = transport({ clock });
  const context: SignerContext = { baseUrl: server.url, send, clock, onSecret: (secret) => secrets.push(secret) };
  const request = (changes: Partial<HttpRequest> = {}): HttpRequest =>
    get(new URL("/api/atlas/v2/groups?pageNum=1", server.url), { deadline: clock.now() + 45_000, ...changes });
  return { seen, clock, secrets, context, request, server };
}

/** Sends several requests concurrently. */
export function atOnce(count: number, signer: Signer, request: () => HttpRequest) {
  return Promise.all(Array.from({ length: count }, () => signer.send(request())));
}
