import { type FaultContext, fallsAfterEffect, substitute } from "../faults/api-outcomes.ts";
import { has } from "../faults/order-book.ts";
import type { Fault } from "../faults/orders.ts";
import type { Operation } from "../faults/words.ts";
import { gatewayProblem, type Outcome } from "../problems.ts";
import { type Reply, textReply } from "../reply.ts";
import type { PathParameters } from "./routes.ts";

export interface ApiRequest {
  method: string;
  /** The request target as it came, which Digest signs. */
  target: string;
  url: URL;
  headers: { authorization?: string | undefined; accept?: string | undefined; "content-type"?: string | undefined };
  body: string;
}

export interface Surroundings {
  now: () => number;
  /** Where redirects lead. */
  elsewhere: () => string;
}

/** What Atlas's own servers put on every answer. */
export const SERVER_HEADERS = {
  Server: "mdbws",
  "X-Envoy-Upstream-Service-Time": "24",
  "Strict-Transport-Security": "max-age=31536000; includeSubdomains;",
  "X-Content-Type-Options": "nosniff",
};

export function contextOf(
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
export function undergo(faults: Fault[], context: FaultContext, perform: () => Outcome): Outcome {
  const substituted = substitute(faults, context);
  const hasNoEffect = ["hang", "reset-before", "redirect"].some((word) => has(faults, word));
  if (!substituted && !hasNoEffect) return perform();
  if (fallsAfterEffect(faults)) perform();
  return substituted ?? gatewayProblem(503, "Nothing was done.");
}

export function gatewayReply(status: number, detail: string, headers: Reply["headers"]): Reply {
  const text = JSON.stringify(gatewayProblem(status, detail).body);
  return textReply(status, "application/json", text, { ...SERVER_HEADERS, ...headers });
}
