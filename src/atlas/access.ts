// Connects a command to Atlas, real or simulated: transport, envelopes, signing, retries and removal of secrets in one chain.
import { createSigner } from "../auth/sign.ts";
import type { Config } from "../config/types.ts";
import { Failure, ownFailure } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import { visible } from "../core/text.ts";
import type { Clock } from "../core/time.ts";
import type { HttpRequest, HttpResponse, Middleware, Send } from "../http/messages.ts";
import { withRetry } from "../http/retry.ts";
import { createTransport } from "../http/transport.ts";
import { type Atlas, createAtlas } from "./client.ts";
import { MAX_ITEMS_PER_PAGE, MAX_TEXT_CHARACTERS } from "./model.ts";

/** Deepest level that is read: a link, within the list of links, within an entry of a page's list. */
const MAX_DEPTH = 5;
/** One more than the longest list that is read, so that a longer list is still refused. */
const MAX_ITEMS = MAX_ITEMS_PER_PAGE + 1;

/** Longer texts are later dropped, or cut to less than this. */
const MAX_SEARCHED_CHARACTERS = 16 * 1024;

/** These fields exist to hold a link, so their links stay intact. */
const LINK_FIELDS = ["snapshotUrl", "href"];

export interface AtlasAccess {
  baseUrl: URL;
  /** Sends to Atlas without credentials and without retries. */
  sendUnsigned: Send;
  atlas: Atlas;
  /** Revokes the access token. */
  signOut: () => Promise<void>;
  /** Closes every connection; call `signOut` first. */
  close: () => Promise<void>;
}

export interface AccessEdges {
  clock: Clock;
  redactor: Redactor;
  version: string;
  /** Called with each request, that of a token included, as it was sent, and with what came of it. */
  onExchange?: (exchange: Exchange) => void;
}

/** A signed request and its answer before anything is unwrapped or removed: both hold secrets. */
export interface Exchange {
  request: HttpRequest;
  /** Absent when no usable answer arrived; `failure` then says why, unless the caller gave up. */
  response?: HttpResponse;
  failure?: { code?: string; status?: number };
  ms: number;
}

/** Sends nothing yet. */
export async function openAtlas(config: Config, edges: AccessEdges): Promise<AtlasAccess> {
  const { clock, redactor, version, onExchange } = edges;
  const { baseUrl, credentials, close } = await targetOf(config);
  const transport = createTransport({ proxy: config.proxy, userAgent: `atlas-flex-snapshots-mcp/${version}`, clock });
  const unwrapped = unwrapEnvelope(onExchange ? observed(clock, onExchange)(transport.send) : transport.send);
  const signer = credentials
    ? createSigner(credentials, { baseUrl, send: unwrapped, clock, onSecret: redactor.addToken })
    : { send: withoutCredentials, close: async () => {} };
  const send = withoutSecrets(redactor)(withRetry(clock)(signer.send));
  return {
    baseUrl,
    sendUnsigned: unwrapped,
    atlas: createAtlas({ baseUrl, send, clock, shown: redactor.shown }),
    signOut: signer.close,
    async close() {
      await Promise.all([transport.close(), close()]);
    },
  };
}

type Target = Pick<Config, "baseUrl" | "credentials"> & { close: () => Promise<void> };

/** The configured Atlas, or an embedded simulator with credentials of its own. */
async function targetOf(config: Config): Promise<Target> {
  if (!config.simulator) return { ...config, close: async () => {} };
  const { SIMULATED, startSimulator } = await import("../simulator/simulator.ts");
  const { clientId, clientSecret } = SIMULATED;
  const { baseUrl, close } = await startSimulator(config.simulator);
  return { baseUrl: new URL(baseUrl), credentials: { kind: "service-account", clientId, clientSecret }, close };
}

const withoutCredentials: Send = () => Promise.reject(ownFailure("CREDENTIALS_MISSING"));

function observed(clock: Clock, onExchange: (exchange: Exchange) => void): Middleware {
  return (next) => async (request) => {
    const start = clock.ticks();
    const seen = (outcome: Pick<Exchange, "response" | "failure">) =>
      onExchange({ request, ...outcome, ms: clock.ticks() - start });
    try {
      const response = await next(request);
      seen({ response });
      return response;
    } catch (error) {
      seen(error instanceof Failure ? { failure: failureOf(error) } : {});
      throw error;
    }
  };
}

function failureOf({ code, envelope: { error } }: Failure): NonNullable<Exchange["failure"]> {
  return { ...(code !== undefined && { code }), ...(error !== undefined && { status: error }) };
}

/**
 * Unwraps the bodies that Atlas sends for `envelope=true`: `{status, content}` around a resource, or an extra `status` beside a
 * list's `results`. The wrapped status replaces the real status, so that signing and retries see a wrapped 401 or 429. One old
 * page of Atlas's documentation calls the field `envelope` instead of `content`.
 */
const unwrapEnvelope: Middleware = (next) => async (request) => unwrap(await next(request));

function unwrap(response: HttpResponse): HttpResponse {
  const { json } = response;
  if (typeof json !== "object" || json === null || !("status" in json)) return response;
  const { status } = json;
  if (typeof status !== "number" || !Number.isInteger(status) || status < 100 || status > 599) return response;
  if ("content" in json) return { ...response, status, json: json.content };
  if ("envelope" in json) return { ...response, status, json: json.envelope };
  return { ...response, status };
}

/**
 * Removes credentials from every text of an answer, since they can appear anywhere: a project may be named after its key. Also
 * removes what grants access from links, except in `LINK_FIELDS`. A text that will be cut loses short secrets too, since half of
 * one would not be recognised later. Leaves out whatever is nested or listed beyond what is read,
 * so that no answer costs more than the largest page Atlas could send.
 */
export function withoutSecrets({
  remove,
  removeWithLinks,
  scrub,
}: Pick<Redactor, "remove" | "removeWithLinks" | "scrub">): Middleware {
  const cleared = (value: unknown, name = "", depth = 0): unknown => {
    if (typeof value === "string") {
      const isLong = value.length > MAX_SEARCHED_CHARACTERS;
      const text = isLong ? visible(value).slice(0, MAX_SEARCHED_CHARACTERS) : value;
      if (LINK_FIELDS.includes(name)) return remove(text);
      return text.length > MAX_TEXT_CHARACTERS ? scrub(text) : removeWithLinks(text);
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth === MAX_DEPTH) return undefined;
    if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleared(item, name, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleared(item, name, depth + 1)]));
  };
  return (next) => async (request) => {
    const response = await next(request);
    return response.json === undefined ? response : { ...response, json: cleared(response.json) };
  };
}
