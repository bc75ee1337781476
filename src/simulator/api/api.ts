import { authenticate, schemeOf } from "../auth/authenticate.ts";
import type { DigestGate } from "../auth/digest.ts";
import type { OauthEndpoints } from "../auth/oauth.ts";
import type { TokenStore } from "../auth/tokens.ts";
import { alterBody } from "../faults/api-outcomes.ts";
import { alterReply } from "../faults/api-replies.ts";
import { has, type OrderBook } from "../faults/order-book.ts";
import type { Fault } from "../faults/orders.ts";
import { happensTo, type Operation } from "../faults/words.ts";
import { type Outcome, problem } from "../problems.ts";
import type { BucketSize, RateLimiter } from "../rate-limit.ts";
import { type Reply, textReply } from "../reply.ts";
import { accepts } from "./media-type.ts";
import { createOauthAnswers, oauthOperationOf } from "./oauth-answers.ts";
import type { Operations } from "./operations.ts";
import { type ApiRequest, contextOf, gatewayReply, SERVER_HEADERS, type Surroundings, undergo } from "./pipeline.ts";
import { render } from "./render.ts";
import { findRoute, type Route } from "./routes.ts";

export interface Api {
  operationOf: (method: string, url: URL) => Operation | "unknown";
  answer: (request: ApiRequest) => Reply;
}

export interface ApiParts extends Surroundings {
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
