import { gatewayProblem, type Problem, problem } from "../problems.ts";
import type { Principal } from "../simulated.ts";
import type { DigestGate } from "./digest.ts";
import type { TokenStore } from "./oauth.ts";

type Authentication =
  | { kind: "known"; principal: Principal }
  | { kind: "refused"; problem: Problem; challenges: string[] };

type Scheme = "bearer" | "digest" | "none";

export function schemeOf(authorization = ""): Scheme {
  if (/^Bearer /i.test(authorization)) return "bearer";
  return /^Digest /i.test(authorization) ? "digest" : "none";
}

/** Who sends a request; the gateway's own 401 with a Digest challenge when nobody can tell. */
export function authenticate(
  { authorization = "", method, target }: { authorization: string | undefined; method: string; target: string },
  { tokens, digest }: { tokens: TokenStore; digest: DigestGate },
): Authentication {
  const scheme = schemeOf(authorization);
  let stale = false;
  let principal: Principal | undefined;
  if (scheme === "bearer") principal = tokens.ownerOf(authorization.slice("Bearer ".length).trim());
  if (scheme === "digest") {
    const verdict = digest.verify(authorization, method, target);
    if (verdict.kind === "accepted") principal = verdict.principal;
    else stale = verdict.stale;
  }
  if (!principal) {
    return {
      kind: "refused",
      problem: gatewayProblem(401, "You are not authorized for this resource."),
      challenges: digest.challenges(stale),
    };
  }
  // The access list is looked at when credentials are used, not when a token is minted.
  if (!principal.onAccessList) {
    return { kind: "refused", problem: problem("IP_ADDRESS_NOT_ON_ACCESS_LIST"), challenges: [] };
  }
  return { kind: "known", principal };
}
