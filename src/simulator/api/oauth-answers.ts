import type { OauthEndpoints } from "../auth/oauth.ts";
import { alterBody } from "../faults/api-outcomes.ts";
import { alterReply } from "../faults/api-replies.ts";
import type { OrderBook } from "../faults/order-book.ts";
import { type Reply, textReply } from "../reply.ts";
import { type ApiRequest, contextOf, gatewayReply, SERVER_HEADERS, type Surroundings, undergo } from "./pipeline.ts";

export type OauthOperation = "token" | "revoke";

export function oauthOperationOf({ pathname }: URL): OauthOperation | undefined {
  if (pathname === "/api/oauth/token") return "token";
  return pathname === "/api/oauth/revoke" ? "revoke" : undefined;
}

/** Answers of the two token endpoints, which know no versions, no envelope and no Bearer. */
export function createOauthAnswers(oauth: OauthEndpoints, orders: OrderBook, surroundings: Surroundings) {
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
