// Steps of `check` about the credentials: accepted by Atlas, allowed from this address, and the role to download.
import type { AtlasAccess } from "../../atlas/access.ts";
import { tellingCode } from "../../atlas/hints.ts";
import { rejectsCredentials } from "../../auth/signer.ts";
import type { Config, Credentials } from "../../config/types.ts";
import { type Failure, ownFailure } from "../../core/errors.ts";
import { isOwnCode } from "../../core/own-errors.ts";
import type { CallLimits } from "../../core/time.ts";
import { offersOf, onlyReads } from "../../tools/catalog.ts";
import { describeFailure } from "../advice.ts";
import { type Finding, failedWith, ok, type StepResult, skipped } from "./step.ts";

/** Atlas's codes for an address that is not on the API access list. */
const ACCESS_LIST =
  /^((IP_ADDRESS_NOT_ON|ORG_REQUIRES|RESOURCE_REQUIRES)_(ACCESS_LIST|WHITELIST)|GLOBAL_USER_OUTSIDE_SUBNET)$/;

/** Statuses that Atlas sends only to a caller it knows: suspended, forbidden, not found. */
const KNOWN_CALLER = [402, 403, 404];

const KINDS = { "service-account": "service account", "api-key": "API key", "access-token": "access token" } as const;

/** Signs in by reading the first page of projects, which Atlas allows every caller, even without any role. */
export async function signIn({ atlas }: AtlasAccess, limits: CallLimits): Promise<void> {
  for await (const _ of atlas.projects(limits)) return;
}

/**
 * `accepted`: Atlas knows the caller. `elsewhere`: Atlas knows the caller, but refuses this address. `rejected`: Atlas does
 * not know the caller. `unknown`: Atlas gave no clear answer. `blocked`: Atlas was not asked.
 */
type SignIn =
  | { verdict: "accepted" }
  | { verdict: "elsewhere" | "rejected" | "unknown"; failure: Failure }
  | { verdict: "blocked"; why: string };

export function judgeSignIn(finding: Finding<void>): SignIn {
  if ("blocked" in finding) return { verdict: "blocked", why: finding.blocked };
  if ("value" in finding) return { verdict: "accepted" };
  const { failure } = finding;
  const { error: status = 0, source } = failure.envelope;
  const errorCode = tellingCode(status, failure.code);
  // This server's own codes occur before Atlas knows the caller: on the way to Atlas or during the sign-in.
  if (isOwnCode(errorCode)) return { verdict: source === "credentials" ? "rejected" : "unknown", failure };
  if (status === 403 && (errorCode === undefined || ACCESS_LIST.test(errorCode)))
    return { verdict: "elsewhere", failure };
  if (rejectsCredentials({ status, headers: {}, json: { errorCode } })) return { verdict: "rejected", failure };
  if (status === 401 || KNOWN_CALLER.includes(status)) return { verdict: "accepted" };
  return { verdict: "unknown", failure };
}

/** Which credentials are used, where they come from, and whether Atlas accepts them. */
export function credentials(
  { credentials: chosen, credentialsFrom = [], simulate, unusable }: Config,
  signIn: SignIn,
): StepResult {
  if (!chosen && !simulate) {
    // If only half of a pair is set, the step of the settings has already shown it.
    return unusable.includes("credentials")
      ? skipped("none are complete")
      : failedWith(ownFailure("CREDENTIALS_MISSING"));
  }
  const who = chosen
    ? `${nameOf(chosen)} from ${credentialsFrom.join(" and ")}`
    : "the simulator's own service account";
  switch (signIn.verdict) {
    case "blocked":
      return skipped(`${signIn.why}; configured: ${who}`);
    case "accepted":
      return ok(`${who}; Atlas accepts it`);
    case "elsewhere":
      return ok(`${who}; Atlas knows it, but does not let it in from here`);
    case "rejected":
    case "unknown": {
      const doubt = signIn.verdict === "unknown" ? "; whether Atlas accepts it could not be found out" : "";
      const step = failedWith(signIn.failure, `${who}${doubt}. ${describeFailure(signIn.failure)}`);
      const mistake = signIn.verdict === "rejected" && chosen ? likelyMistake(chosen) : undefined;
      return mistake ? { ...step, whatToDo: `${mistake}\n${step.whatToDo}` } : step;
    }
  }
}

/** The kind and the end of the id. Not the whole id, since someone may have put the secret in its place. */
function nameOf(chosen: Credentials): string {
  const id = chosen.kind === "service-account" ? chosen.clientId : chosen.kind === "api-key" ? chosen.publicKey : "";
  if (id.length < 8) return KINDS[chosen.kind];
  // All service accounts share this prefix.
  const prefix = id.startsWith("mdb_sa_id_") ? "mdb_sa_id_" : "";
  return `${KINDS[chosen.kind]} ${prefix}…${id.slice(-4)}`;
}

/** Recognises a swapped id and secret by the prefixes that Atlas gives them. */
function likelyMistake(chosen: Credentials): string | undefined {
  if (chosen.kind !== "service-account") return undefined;
  if (chosen.clientId.startsWith("mdb_sa_sk_"))
    return "The client id looks like a secret: the two halves may be swapped.";
  if (chosen.clientSecret.startsWith("mdb_sa_id_"))
    return "The client secret looks like an id: the two halves may be swapped.";
  return undefined;
}

/** Whether these credentials may be used from this address. Their API access list is not the project's IP access list. */
export function apiAccessList(signIn: SignIn): StepResult {
  if (signIn.verdict === "accepted") return ok("these credentials may be used from this computer");
  return signIn.verdict === "elsewhere" ? failedWith(signIn.failure) : skipped(obstacleOf(signIn));
}

/** Why nothing can be read with these credentials, in a few words. */
export function obstacleOf(signIn: Exclude<SignIn, { verdict: "accepted" }>): string {
  switch (signIn.verdict) {
    case "blocked":
      return signIn.why;
    case "elsewhere":
      return "the credentials may not be used from this computer";
    case "rejected":
      return "the credentials were not accepted";
    case "unknown":
      return "whether the credentials are accepted is not known";
  }
}

/** Always skipped: only creating a job would prove the role, and a job counts towards the project's download limit. */
export function downloadRole(config: Config): StepResult {
  if (offersOf(config).every(({ effect }) => onlyReads(effect)))
    return skipped("no tool is registered that creates download jobs");
  return {
    state: "skipped",
    found: "cannot be known without creating a download job, which this check does not do",
    whatToDo:
      "To download, the credentials need Project Owner or the newer Project Backup Export Operator on the project; Project Read Only is enough to read.",
  };
}
