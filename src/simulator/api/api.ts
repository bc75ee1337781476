import { authenticate, schemeOf } from "../auth/authenticate.ts";
import type { DigestGate } from "../auth/digest.ts";
import type { OauthEndpoints, TokenStore } from "../auth/oauth.ts";
import { alterBody, alterReply, type FaultContext, fallsAfterEffect, substitute } from "../faults/api-faults.ts";
import { type Fault, has, type OrderBook } from "../faults/orders.ts";
import { happensTo, type Operation } from "../faults/words.ts";
import { type Reply, textReply } from "../http.ts";
import { gatewayProblem, type JsonObject, type Outcome, problem } from "../problems.ts";
import type { BucketSize, RateLimiter } from "../rate-limit.ts";
import { isTrue, type Operations } from "./operations.ts";
import { accepts, findRoute, mediaType, type PathParameters, type ResourceVersion, type Route } from "./routes.ts";

interface Api {
  operationOf: (method: string, url: URL) => Operation | "unknown";
  answer: (request: ApiRequest) => Reply;
}

interface ApiParts extends Surroundings {
  envelopedFailures: "keep-status" | "always-200";
  oauth: OauthEndpoints;
  tokens: TokenStore;
  digest: DigestGate;
  limit: RateLimiter;
  rateLimit: BucketSize;
  operations: Operations;
  orders: OrderBook;
}

export function createApi(parts: ApiParts): Api {
  const { orders, tokens, digest, operations } = parts;
  const answerOauth = createOauthAnswers(parts.oauth, orders, parts);

  /** Gateway first, then what was ordered, then the request limit, the version and the operation. */
  function answerApi(route: Route, request: ApiRequest): Reply {
    const { operation, version, parameters } = route;
    const { authorization, accept, "content-type": contentType } = request.headers;
    const early = orders.take(operation, isForCredentials(authorization));
    if (has(early, "revoke-tokens")) tokens.revokeAll();
    if (has(early, "stale-nonce")) digest.expireNonces();
    const who = authenticate({ ...request, authorization }, { tokens, digest });
    if (who.kind === "refused") return written(who.problem, who.challenges);

    const faults = [...early, ...orders.take(operation, isForAnswer(operation))];
    const context = contextOf(operation, request, parts, parameters);
    const admission = parts.limit(bucketOf(route));
    const outcome = undergo(faults, context, () => {
      if (!admission.admitted) return limited(context.facts.resource ?? "", admission.limit, admission.retrySeconds);
      if (!accepts(accept, version)) return problem("INVALID_VERSION_DATE");
      return operations[operation]({ ...request, parameters, principal: who.principal, contentType, faults });
    });
    const altered = { ...outcome, body: alterBody(faults, outcome.body) };
    const reply = render(altered, { ...parts, url: request.url, version });
    const headers: Reply["headers"] = {
      ...SERVER_HEADERS,
      "X-Java-Method": `ApiAtlasResource::${operation}`,
      "RateLimit-Limit": String(admission.limit),
      "RateLimit-Remaining": String(admission.remaining),
      ...reply.headers,
    };
    // A refusal of the gateway, ordered or not, always comes with a challenge.
    if (outcome.status === 401 && !("errorCode" in outcome.body))
      headers["WWW-Authenticate"] = digest.challenges(false);
    return alterReply(faults, { ...reply, headers }, context);
  }

  function limited(resource: string, capacity: number, retrySeconds: number): Outcome {
    const { refillPerMinute } = parts.rateLimit;
    const found = problem("RATE_LIMITED_TOKEN_BUCKET", { resource, capacity, retrySeconds, refillPerMinute });
    return { ...found, headers: { ...found.headers, "Retry-After": String(retrySeconds) } };
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
      return gatewayReply(405, "Method not allowed.", { Allow: route.allow });
    },
  };
}

function written({ status, body, headers }: Outcome, challenges: string[] = []): Reply {
  return textReply(status, "application/json", JSON.stringify(body), {
    ...SERVER_HEADERS,
    ...headers,
    ...(challenges.length > 0 ? { "WWW-Authenticate": challenges } : {}),
  });
}

/** Faults that concern credentials strike before these are looked at, and only credentials of their kind. */
function isForCredentials(authorization: string | undefined): (faults: Fault[]) => boolean {
  const scheme = schemeOf(authorization);
  return (faults) =>
    (has(faults, "revoke-tokens") && scheme === "bearer") || (has(faults, "stale-nonce") && scheme === "digest");
}

function isForAnswer(operation: Operation): (faults: Fault[]) => boolean {
  return (faults) =>
    !has(faults, "revoke-tokens") &&
    !has(faults, "stale-nonce") &&
    faults.every((fault) => fault.kind === "status" || happensTo(fault.word, operation));
}

/** Atlas counts three sets of Flex operations apart, each by project. */
function bucketOf({ operation, parameters: { groupId } }: Route): string {
  if (operation.includes("Project")) return "projects";
  if (operation.includes("Restore")) return `restore-jobs/${groupId}`;
  return operation.includes("Cluster") ? `clusters/${groupId}` : `snapshots/${groupId}`;
}

type OauthOperation = "token" | "revoke";

function oauthOperationOf({ pathname }: URL): OauthOperation | undefined {
  if (pathname === "/api/oauth/token") return "token";
  return pathname === "/api/oauth/revoke" ? "revoke" : undefined;
}

/** Answers of the two token endpoints, which know no versions, no envelope and no Bearer. */
function createOauthAnswers(oauth: OauthEndpoints, orders: OrderBook, surroundings: Surroundings) {
  return (operation: OauthOperation, request: ApiRequest): Reply => {
    if (request.method !== "POST") return gatewayReply(405, "Method not allowed.", { Allow: "POST" });
    const context = contextOf(operation, request, surroundings);
    const faults = orders.take(operation, () => true);
    const { authorization, "content-type": contentType } = request.headers;
    const outcome = undergo(faults, context, () =>
      oauth[operation]({ authorization, contentType, body: request.body }),
    );
    const isRevoked = operation === "revoke" && outcome.status === 200;
    const text = isRevoked ? "" : JSON.stringify(alterBody(faults, outcome.body));
    const reply = textReply(outcome.status, "application/json", text, { ...SERVER_HEADERS, ...outcome.headers });
    return alterReply(faults, reply, context);
  };
}

interface ApiRequest {
  method: string;
  /** The request target as it came, which Digest signs. */
  target: string;
  url: URL;
  headers: { authorization?: string | undefined; accept?: string | undefined; "content-type"?: string | undefined };
  body: string;
}

interface Surroundings {
  now: () => number;
  /** Where redirects lead. */
  elsewhere: () => string;
}

/** What Atlas's own servers put on every answer. */
const SERVER_HEADERS = {
  Server: "mdbws",
  "X-Envoy-Upstream-Service-Time": "24",
  "Strict-Transport-Security": "max-age=31536000; includeSubdomains;",
  "X-Content-Type-Options": "nosniff",
};

function contextOf(
  operation: Operation,
  { url, headers }: ApiRequest,
  { now, elsewhere }: Surroundings,
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

/** Performs an operation, or what was ordered in its place: without the effect, unless the order says after it. */
function undergo(faults: Fault[], context: FaultContext, perform: () => Outcome): Outcome {
  const substituted = substitute(faults, context);
  const hasNoEffect = ["hang", "reset-before", "redirect"].some((word) => has(faults, word));
  if (!substituted && !hasNoEffect) return perform();
  if (fallsAfterEffect(faults)) perform();
  return substituted ?? gatewayProblem(503, "Nothing was done.");
}

function gatewayReply(status: number, detail: string, headers: Reply["headers"]): Reply {
  const text = JSON.stringify(gatewayProblem(status, detail).body);
  return textReply(status, "application/json", text, { ...SERVER_HEADERS, ...headers });
}

interface RenderOptions {
  url: URL;
  version: ResourceVersion | undefined;
  envelopedFailures: "keep-status" | "always-200";
}

/** Writes an outcome as the request asks for it: `envelope` wraps it or adds the status to a list, `pretty` indents it. */
function render(outcome: Outcome, { url, version, envelopedFailures }: RenderOptions): Reply {
  const enveloped = isTrue(url.searchParams, "envelope");
  const indent = isTrue(url.searchParams, "pretty") ? 2 : 0;
  const status = enveloped && envelopedFailures === "always-200" ? 200 : outcome.status;
  const type = outcome.status < 400 && version ? mediaType(version) : "application/json";
  const text = JSON.stringify(enveloped ? wrap(outcome) : outcome.body, undefined, indent);
  return textReply(status, type, text, outcome.headers);
}

function wrap({ status, body, isList }: Outcome): JsonObject {
  return isList ? { ...body, status } : { status, content: body };
}
