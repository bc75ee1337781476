import type { AtlasAccess } from "../atlas-access.ts";
import { rejectsCredentials } from "../auth/authorization.ts";
import type { Failure } from "../core/errors.ts";
import { OWN_ERRORS } from "../core/own-errors.ts";
import type { CallLimits } from "../core/time.ts";
import type { Finding } from "./attempt.ts";

/** Codes of the list of addresses at which credentials may be used; whether their secret is right is another matter. */
const ACCESS_LIST =
  /^((IP_ADDRESS_NOT_ON|ORG_REQUIRES|RESOURCE_REQUIRES)_(ACCESS_LIST|WHITELIST)|GLOBAL_USER_OUTSIDE_SUBNET)$/;

/** Refusals from behind the sign-in: suspended, forbidden, not there. */
const KNOWN_CALLER = [402, 403, 404];

/**
 * `accepted`: Atlas knows who asks. `elsewhere`: it does, but not at this address. `rejected`: it does not. `unknown`: it
 * could not be found out; `blocked`: nobody tried.
 */
export type SignIn =
  | { verdict: "accepted" }
  | { verdict: "elsewhere" | "rejected" | "unknown"; failure: Failure }
  | { verdict: "blocked"; why: string };

/** Reads one project, which all credentials may, however few roles they have. */
export async function signIn({ atlas }: AtlasAccess, limits: CallLimits): Promise<void> {
  for await (const _ of atlas.projects(limits)) return;
}

export function judgeSignIn(finding: Finding<void>): SignIn {
  if ("blocked" in finding) return { verdict: "blocked", why: finding.blocked };
  if ("value" in finding) return { verdict: "accepted" };
  const { failure } = finding;
  const { error: status = 0, errorCode, source } = failure.envelope;
  // Our own names for what went wrong come from the sign-in itself or from the way there.
  if (errorCode !== undefined && Object.hasOwn(OWN_ERRORS, errorCode))
    return { verdict: source === "credentials" ? "rejected" : "unknown", failure };
  if (status === 403 && (errorCode === undefined || ACCESS_LIST.test(errorCode)))
    return { verdict: "elsewhere", failure };
  if (rejectsCredentials({ status, headers: {}, json: { errorCode } })) return { verdict: "rejected", failure };
  if (status === 401 || KNOWN_CALLER.includes(status)) return { verdict: "accepted" };
  return { verdict: "unknown", failure };
}

/** Why nothing can be read with these credentials, in a few words. */
export function obstacleOf(signIn: Exclude<SignIn, { verdict: "accepted" }>): string {
  if (signIn.verdict === "blocked") return signIn.why;
  return signIn.verdict === "elsewhere"
    ? "the credentials may not be used from this computer"
    : "the credentials were not accepted";
}
