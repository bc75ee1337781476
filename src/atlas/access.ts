import { createSigner } from "../auth/sign.ts";
import type { Config, Credentials } from "../config/config.ts";
import { ownFailure } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import { clean } from "../core/text.ts";
import type { Clock } from "../core/time.ts";
import { withRetry } from "../http/retry.ts";
import type { HttpResponse, Middleware, Send } from "../http/send.ts";
import { createTransport } from "../http/transport.ts";
import { type Atlas, createAtlas } from "./client.ts";
import { MAX_ITEMS_PER_PAGE } from "./model.ts";

/** The way to Atlas that every command shares. */
export interface AtlasAccess {
  baseUrl: URL;
  /** Sends to the same place, but without credentials and without repeating. */
  sendUnsigned: Send;
  atlas: Atlas;
  /** Gives the access token back. */
  signOut: () => Promise<void>;
  /** Closes every connection; the token is to be given back before. */
  close: () => Promise<void>;
}

export interface AccessEdges {
  clock: Clock;
  redactor: Redactor;
  version: string;
}

/** Where Atlas is: the real one as configured, or an embedded simulator with its own credentials. */
interface Target {
  baseUrl: URL;
  credentials?: Credentials;
  close: () => Promise<void>;
}

/** Sends nothing yet. */
export async function openAtlas(config: Config, edges: AccessEdges): Promise<AtlasAccess> {
  const { clock, redactor, version } = edges;
  const target = await targetOf(config);
  const transport = createTransport({ proxy: config.proxy, userAgent: `atlas-flex-snapshots-mcp/${version}`, clock });
  const { credentials, baseUrl } = target;
  const unwrapped = unwrapEnvelope(transport.send);
  const signer = credentials
    ? createSigner(credentials, { baseUrl, send: unwrapped, clock, onSecret: redactor.addToken })
    : { send: withoutCredentials, close: async () => {} };
  return {
    baseUrl,
    sendUnsigned: unwrapped,
    atlas: createAtlas({
      baseUrl,
      send: withoutSecrets(redactor)(withRetry(clock)(signer.send)),
      clock,
      scrub: redactor.scrub,
    }),
    signOut: signer.close,
    async close() {
      await Promise.all([transport.close(), target.close()]);
    },
  };
}

async function targetOf(config: Config): Promise<Target> {
  if (!config.simulator) return { ...config, close: async () => {} };
  const { SIMULATED, startSimulator } = await import("../simulator/simulator.ts");
  const { clientId, clientSecret } = SIMULATED;
  const simulator = await startSimulator(config.simulator);
  return {
    baseUrl: new URL(simulator.baseUrl),
    credentials: { kind: "service-account", clientId, clientSecret },
    close: simulator.close,
  };
}

const withoutCredentials: Send = () => Promise.reject(ownFailure("CREDENTIALS_MISSING"));

/**
 * Unwraps bodies asked for with `envelope=true`, wherever they appear: `{status, content}` around a resource, an extra
 * `status` beside a list's `results`. The wrapped status then acts as the real one, so that signing and retry see a
 * wrapped 401 or 429. One old page of Atlas's documentation names the second field `envelope`.
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

/** A link in a list of links of an entry of a page lies four levels down; nothing deeper is read. */
const MAX_DEPTH = 5;
/** One more than the longest list that is read, so that a longer one is still refused. */
const MAX_ITEMS = MAX_ITEMS_PER_PAGE + 1;
/** Longer texts are dropped or cut to less. */
const MAX_CLEARED_CHARACTERS = 16 * 1024;

/** The fields whose links come out as they are. */
const LINKS = ["snapshotUrl", "href"];

/**
 * Removes credentials from the texts of every answer, where nobody expects them: a project may be named after its key. Links
 * are scrubbed of what grants access, but for those in fields that exist to hold one. What is nested or listed beyond all that
 * is read is left out, so that an answer costs no more than a page that Atlas could send.
 */
export function withoutSecrets({
  remove,
  removeWithLinks,
}: {
  remove: (text: string) => string;
  removeWithLinks: (text: string) => string;
}): Middleware {
  const cleared = (value: unknown, name = "", depth = 0): unknown => {
    if (typeof value === "string") {
      // Cleaned first, since an invisible character could hide a secret until it is removed later on.
      const visible = clean(value, MAX_CLEARED_CHARACTERS);
      const without = LINKS.includes(name) ? remove(visible) : removeWithLinks(visible);
      return without === visible ? value : without;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth === MAX_DEPTH) return undefined;
    if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleared(item, name, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleared(item, name, depth + 1)]));
  };
  return (send) => async (request) => {
    const response = await send(request);
    return response.json === undefined ? response : { ...response, json: cleared(response.json) };
  };
}
