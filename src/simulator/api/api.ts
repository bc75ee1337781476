// The API host, from request to reply: credentials, ordered faults, rate limit, version, operation, rendering.
import { gzipSync } from "node:zlib";
import { alterReply, type FaultContext, performWithFaults } from "../faults/api-faults.ts";
import { type Fault, has, type OrderBook } from "../faults/orders.ts";
import { type ApiOperation, happensTo, type Operation } from "../faults/words.ts";
import { type Reply, textReply, withHeaders } from "../http.ts";
import { gatewayProblem, gatewayRefusal, type JsonObject, type Outcome, oldRefusal, problem } from "../problems.ts";
import type { RestoreJobs } from "../restore-jobs.ts";
import type { Principal } from "../simulated.ts";
import type { Project } from "../world.ts";
import { createDigestGate } from "./digest.ts";
import { createOauth } from "./oauth.ts";
import { createOperations } from "./operations.ts";
import {
  accepts,
  findRoute,
  isTrue,
  mediaType,
  type PathParameters,
  type ResourceVersion,
  type Route,
} from "./routes.ts";

/** Headers that Atlas's servers put on every answer. */
const SERVER_HEADERS = {
  "Referrer-Policy": "strict-origin-when-cross-origin",
  Server: "mdbws",
  "X-Envoy-Upstream-Service-Time": "24",
  "X-Frame-Options": "DENY",
  "X-Java-Version": "17",
  "X-Mongodb-Service-Version": "gitHash=5fa10000000000000000000000000000000000aa; versionString=v20261101",
  "X-Permitted-Cross-Domain-Policies": "none",
};

interface ApiRequest {
  method: string;
  /** The unparsed request target, which Digest signs. */
  target: string;
  url: URL;
  headers: { [name in "accept" | "accept-encoding" | "authorization" | "content-type"]?: string | undefined };
  body: string;
}

interface ApiSettings {
  now: () => number;
  downloadLimit: number;
  tokenRequestsPerMinute: number;
  liveTokens: number;
  rateLimit: RateLimit;
  nonceLifetimeMs: number;
  envelopedFailures: "keep-status" | "always-200";
}

interface ApiParts {
  settings: ApiSettings;
  projects: Project[];
  jobs: RestoreJobs;
  orders: OrderBook;
  /** The URL to which ordered redirects lead. */
  elsewhere: () => string;
}

interface Api {
  operationOf: (method: string, url: URL) => Operation | "unknown";
  answer: (request: ApiRequest) => Reply;
  revokeTokens: () => void;
}

export function createApi({ settings, projects, jobs, orders, elsewhere }: ApiParts): Api {
  const { now, rateLimit } = settings;
  const oauth = createOauth(settings);
  const digest = createDigestGate(settings);
  const admit = createTokenBuckets(rateLimit, now);
  const operations = createOperations({ projects, jobs, downloadLimit: settings.downloadLimit, now });

  /** The two token endpoints have no versions, no envelope and no Bearer tokens. */
  function answerOauth(operation: "token" | "revoke", request: ApiRequest): Reply {
    if (request.method !== "POST") return written(gatewayProblem(405, "Method not allowed.", { Allow: "POST" }));
    const context = contextOf(operation, request);
    const faults = orders.take(operation, () => true);
    const outcome = performWithFaults(faults, context, () => oauth[operation](request));
    const isRevoked = operation === "revoke" && outcome.status === 200;
    const reply = written(outcome);
    return alterReply(faults, isRevoked ? { ...reply, body: [], length: 0 } : reply, context);
  }

  function answerApi({ operation, version, parameters }: Route, request: ApiRequest): Reply {
    const { authorization = "", accept, "content-type": contentType } = request.headers;
    const early = orders.take(operation, (faults) => concernsCredentials(faults, authorization));
    if (has(early, "revoke-tokens")) oauth.revokeAll();
    if (has(early, "stale-nonce")) digest.expireNonces();
    const principal = authenticate(operation, request, early);
    if ("status" in principal) return principal;

    const faults = [...early, ...orders.take(operation, (each) => concernsAnswer(each, operation))];
    const context = contextOf(operation, request, parameters);
    const { capacity, refillPerMinute } = rateLimit;
    const { isAdmitted, remaining, retrySeconds } = admit(bucketOf(operation, parameters));
    const outcome = performWithFaults(faults, context, () => {
      if (!isAdmitted) {
        const facts = { ...context.facts, capacity, retrySeconds, refillPerMinute };
        const limited = problem("RATE_LIMITED_TOKEN_BUCKET", facts);
        return { ...limited, headers: { ...limited.headers, "Retry-After": String(retrySeconds) } };
      }
      if (!accepts(accept, version)) return problem("INVALID_VERSION_DATE");
      return operations[operation]({ ...request, parameters, principal, contentType, faults });
    });
    const reply = render(outcome, request.url, version);
    const limits = { "RateLimit-Limit": String(capacity), "RateLimit-Remaining": String(remaining) };
    const own: Reply["headers"] = outcome.isRefusal
      ? { "WWW-Authenticate": digest.challenge(false) }
      : { "X-Java-Method": `ApiAtlasResource::${operation}`, ...limits };
    const whole = { ...reply, headers: { ...SERVER_HEADERS, ...own, ...reply.headers } };
    // A compressed body could not be altered.
    return faults.length > 0 ? alterReply(faults, whole, context) : compressed(whole, request);
  }

  /** The caller, or the refusal: the gateway's 401 with a challenge if the credentials are wrong. */
  function authenticate(operation: ApiOperation, request: ApiRequest, early: Fault[]): Principal | Reply {
    const { headers, method, target } = request;
    const { authorization = "" } = headers;
    const token = /^Bearer (.*)$/i.exec(authorization)?.[1]?.trim();
    const signed = digest.verify(authorization, method, target);
    const principal = token === undefined ? signed.principal : oauth.ownerOf(token);
    if (!principal) {
      const isOld = (faults: Fault[]) => has(faults, "old-401");
      const wantsOld = isOld(early) || orders.take(operation, isOld).length > 0;
      const refusal = gatewayRefusal();
      return withHeaders(written(wantsOld ? oldRefusal(refusal) : refusal), {
        "WWW-Authenticate": digest.challenge(signed.stale),
      });
    }
    // Atlas checks the access list when credentials are used, not when a token is issued.
    return principal.onAccessList ? principal : written(problem("IP_ADDRESS_NOT_ON_ACCESS_LIST"));
  }

  function contextOf(
    operation: Operation,
    { url, headers }: ApiRequest,
    parameters: PathParameters = {},
  ): FaultContext {
    return {
      operation,
      facts: { ...parameters, resource: url.pathname.slice(1) },
      authorization: headers.authorization ?? "",
      now: now(),
      elsewhere: elsewhere(),
    };
  }

  /** Applies the query's flags: `envelope` wraps an outcome or adds the status to a list, `pretty` indents the JSON. */
  function render(outcome: Outcome, url: URL, version: ResourceVersion): Reply {
    const { status, body, headers, isList } = outcome;
    const isEnveloped = isTrue(url, "envelope");
    const envelope = isList ? { ...body, status } : { status, content: body };
    const text = isEnveloped ? jsonText(envelope, isTrue(url, "pretty")) : textOf(outcome, isTrue(url, "pretty"));
    const type = status < 400 ? mediaType(version) : "application/json";
    const isHidden = isEnveloped && settings.envelopedFailures === "always-200";
    return textReply(isHidden ? 200 : status, type, text, headers);
  }

  return {
    operationOf: (method, url) => {
      const route = findRoute(method, url.pathname);
      return oauthOperationOf(url) ?? (route && "operation" in route ? route.operation : "unknown");
    },
    answer: (request) => {
      const oauthOperation = oauthOperationOf(request.url);
      if (oauthOperation) return answerOauth(oauthOperation, request);
      const route = findRoute(request.method, request.url.pathname);
      if (!route) return written(problem("RESOURCE_NOT_FOUND", { resource: request.url.pathname }));
      if ("operation" in route) return answerApi(route, request);
      return written(gatewayProblem(405, "Method not allowed.", { Allow: route.allow }));
    },
    revokeTokens: oauth.revokeAll,
  };
}

function oauthOperationOf({ pathname }: URL): "token" | "revoke" | undefined {
  if (pathname === "/api/oauth/token") return "token";
  return pathname === "/api/oauth/revoke" ? "revoke" : undefined;
}

/** An answer outside the versioned resources. */
function written(outcome: Outcome): Reply {
  const headers = { ...SERVER_HEADERS, ...outcome.headers };
  return textReply(outcome.status, "application/json", textOf(outcome, false), headers);
}

/** The gateway writes its refusal in a form of its own: indented, with blanks on both sides of each colon. */
function textOf({ body, isRefusal }: Outcome, isPretty: boolean): string {
  if (!isRefusal || !("errorCode" in body)) return jsonText(body, isPretty);
  const fields = Object.entries(body).map(([name, value]) => `  "${name}" : ${JSON.stringify(value)}`);
  return `{\n${fields.join(",\n")}\n}`;
}

/** Atlas writes the size of a disk with one decimal. */
function jsonText(body: JsonObject, isPretty: boolean): string {
  const text = JSON.stringify(body, undefined, isPretty ? 2 : 0);
  return text.replace(/("diskSizeGB": ?\d+)(?=[,\s}])/g, "$1.0");
}

/** Atlas compresses its answers for clients that accept gzip. */
function compressed(reply: Reply, { headers }: ApiRequest): Reply {
  if (!/\bgzip\b/i.test(headers["accept-encoding"] ?? "")) return reply;
  const bytes = gzipSync(Buffer.concat([...reply.body]));
  const coded = withHeaders(reply, { "Content-Encoding": "gzip", Vary: "Accept-Encoding" });
  return { ...coded, body: [bytes], length: bytes.length };
}

/** Whether faults make the credentials invalid before they are checked, and fit the kind of credentials. */
function concernsCredentials(faults: Fault[], authorization: string): boolean {
  if (has(faults, "revoke-tokens") && /^Bearer /i.test(authorization)) return true;
  return has(faults, "stale-nonce") && /^Digest /i.test(authorization);
}

function concernsAnswer(faults: Fault[], operation: Operation): boolean {
  if (has(faults, "revoke-tokens") || has(faults, "stale-nonce")) return false;
  // Alone, this order waits for a request that is refused.
  if (has(faults, "old-401") && faults.length === 1) return false;
  return faults.every((fault) => fault.kind === "status" || happensTo(fault.word, operation));
}

/** Atlas has one bucket for projects, and per project one each for clusters, snapshots and restore jobs. */
function bucketOf(operation: Operation, { groupId }: PathParameters): string {
  if (operation.includes("Project")) return "projects";
  if (operation.includes("Restore")) return `restore-jobs/${groupId}`;
  return operation.includes("Cluster") ? `clusters/${groupId}` : `snapshots/${groupId}`;
}

interface RateLimit {
  capacity: number;
  refillPerMinute: number;
}

interface Admission {
  isAdmitted: boolean;
  remaining: number;
  /** Whole seconds until the next request is admitted. */
  retrySeconds: number;
}

/** Token buckets, one per key: full at first, refilled evenly. */
function createTokenBuckets({ capacity, refillPerMinute }: RateLimit, now: () => number): (key: string) => Admission {
  const buckets = new Map<string, { level: number; at: number }>();
  const perMs = refillPerMinute / 60_000;

  return (key) => {
    const { level, at } = buckets.get(key) ?? { level: capacity, at: now() };
    const filled = Math.min(capacity, level + (now() - at) * perMs);
    const isAdmitted = filled >= 1;
    const left = isAdmitted ? filled - 1 : filled;
    buckets.set(key, { level: left, at: now() });
    return {
      isAdmitted,
      remaining: Math.floor(left),
      retrySeconds: Math.max(1, Math.ceil((1 - left) / perMs / 1_000)),
    };
  };
}
