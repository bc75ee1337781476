import { oauthProblem, oauthProblemOfStatus } from "../auth/oauth-errors.ts";
import type { JsonObject } from "../json.ts";
import {
  gatewayProblem,
  type Outcome,
  type Problem,
  problem,
  problemOfStatus,
  type RequestFacts,
} from "../problems.ts";
import { makeHostile, nullOptionals, unknownStatus } from "./hostile.ts";
import { has } from "./order-book.ts";
import type { Fault, RetryAfter } from "./orders.ts";
import { retryAfterHeader } from "./retry-after.ts";
import type { Operation } from "./words.ts";

export interface FaultContext {
  operation: Operation;
  facts: Partial<RequestFacts>;
  authorization: string;
  now: number;
  /** Somewhere a client must not follow to. */
  elsewhere: string;
}

/** A failure that was ordered to take the place of the answer. */
export function substitute(faults: Fault[], context: FaultContext): Outcome | undefined {
  if (has(faults, "echo-secret")) {
    const detail = `You are not authorized with ${context.authorization}.`;
    return isOauth(context.operation)
      ? { status: 401, body: { error: "invalid_client", error_description: detail }, headers: {} }
      : gatewayProblem(401, detail);
  }
  for (const fault of faults) if (fault.kind === "status") return ofStatus(fault, context);
  return undefined;
}

function ofStatus(fault: Extract<Fault, { kind: "status" }>, context: FaultContext): Outcome | undefined {
  const { status, errorCode, retryAfter } = fault;
  if (status !== undefined && status < 300) return undefined;
  const found = isOauth(context.operation) ? oauthFailure(fault, context) : apiFailure(fault, context);
  const wait: RetryAfter = retryAfter ?? (found.status === 429 ? 1 : "none");
  const location = found.status < 400 ? { Location: context.elsewhere } : {};
  const code: Record<string, string> =
    errorCode === undefined || isOauth(context.operation) ? {} : { "X-Error-Code": errorCode };
  return { ...found, headers: { ...found.headers, ...code, ...location, ...retryAfterHeader(wait, context.now) } };
}

function apiFailure(
  { status, errorCode, retryAfter }: Extract<Fault, { kind: "status" }>,
  { facts }: FaultContext,
): Problem {
  const all = typeof retryAfter === "number" ? { ...facts, retrySeconds: retryAfter } : facts;
  return errorCode === undefined ? problemOfStatus(status ?? 500, all) : problem(errorCode, all, status);
}

function oauthFailure({ status, errorCode }: Extract<Fault, { kind: "status" }>, { facts }: FaultContext): Problem {
  const limit = { capacity: 10, resource: facts.resource ?? "" };
  if (errorCode === "RATE_LIMITED") return problem("RATE_LIMITED", limit);
  return errorCode === undefined ? oauthProblemOfStatus(status ?? 500, limit) : oauthProblem(errorCode, status);
}

/** Whether the request has its effect although it fails. */
export function fallsAfterEffect(faults: Fault[]): boolean {
  return faults.some((fault) => fault.kind === "status" && fault.after);
}

export function alterBody(faults: Fault[], body: JsonObject): JsonObject {
  let altered = body;
  if (has(faults, "nulls")) altered = nullOptionals(altered);
  if (has(faults, "unknown-status")) altered = unknownStatus(altered);
  return has(faults, "hostile") ? makeHostile(altered) : altered;
}

function isOauth(operation: Operation): boolean {
  return operation === "token" || operation === "revoke";
}
