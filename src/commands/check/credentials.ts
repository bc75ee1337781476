import type { AtlasAccess } from "../../atlas/access.ts";
import { rejectsCredentials } from "../../auth/signer.ts";
import type { Config, Credentials } from "../../config/config.ts";
import { type Failure, ownFailure } from "../../core/errors.ts";
import { OWN_ERRORS } from "../../core/own-errors.ts";
import type { CallLimits } from "../../core/time.ts";
import { describeFailure, type Finding, failedWith, ok, type StepResult, skipped } from "./step.ts";

const KINDS = { "service-account": "service account", "api-key": "API key", "access-token": "access token" } as const;

/** For a terminal, unlike the hint of the error, which is for the reader of an MCP client. */
const HOW_TO_SET = [
  "Make a service account in Atlas; docs/setup.md has the steps. Then set its id and the file of its secret, here as in the MCP client:",
  "MONGODB_ATLAS_CLIENT_ID=mdb_sa_id_… MONGODB_ATLAS_CLIENT_SECRET_FILE=/path/to/secret node dist/atlas-flex-snapshots-mcp.js check",
  "An API key works too: MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY_FILE.",
].join("\n");

/** Which credentials are used, where they come from, and what Atlas says to them. */
export function credentials(
  { credentials: chosen, credentialsFrom = [], simulate, unusable }: Config,
  signIn: SignIn,
): StepResult {
  if (!chosen && !simulate) {
    // Half a pair is among the problems, which the settings have shown.
    return unusable.includes("credentials")
      ? skipped("none are complete")
      : { ...failedWith(ownFailure("CREDENTIALS_MISSING")), whatToDo: HOW_TO_SET };
  }
  const who = chosen
    ? `${describe(chosen)} from ${credentialsFrom.join(" and ")}`
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
      const verdict = signIn.verdict === "unknown" ? "; whether Atlas accepts it could not be found out" : "";
      const step = failedWith(signIn.failure, `${who}${verdict}. ${describeFailure(signIn.failure)}`);
      const mistake = signIn.verdict === "rejected" && chosen ? likelyMistake(chosen) : undefined;
      return mistake ? { ...step, whatToDo: `${mistake}\n${step.whatToDo}` } : step;
    }
  }
}

/** Whether these credentials may be used from here; Atlas keeps a list of addresses for each, apart from that of the project. */
export function accessList(signIn: SignIn): StepResult {
  if (signIn.verdict === "accepted") return ok("these credentials may be used from this computer");
  return signIn.verdict === "elsewhere" ? failedWith(signIn.failure) : skipped(obstacleOf(signIn));
}

/** The kind and enough of the id to recognise it; never the secret. */
function describe(chosen: Credentials): string {
  const id = chosen.kind === "service-account" ? chosen.clientId : chosen.kind === "api-key" ? chosen.publicKey : "";
  return [KINDS[chosen.kind], shortened(id)].filter(Boolean).join(" ");
}

/** The last four characters, and the prefix that all service accounts share: a secret in the wrong place stays secret. */
function shortened(id: string): string {
  if (id.length < 8) return "";
  return `${id.startsWith("mdb_sa_id_") ? "mdb_sa_id_" : ""}…${id.slice(-4)}`;
}

/** What people mix up, seen from the form that Atlas gives the two halves. */
function likelyMistake(chosen: Credentials): string | undefined {
  if (chosen.kind !== "service-account") return undefined;
  const { clientId, clientSecret } = chosen;
  if (clientId.startsWith("mdb_sa_sk_")) return "The client id looks like a secret: the two halves may be swapped.";
  if (clientSecret.startsWith("mdb_sa_id_"))
    return "The client secret looks like an id: the two halves may be swapped.";
  return undefined;
}

/** Codes of the list of addresses at which credentials may be used; whether their secret is right is another matter. */
const ACCESS_LIST =
  /^((IP_ADDRESS_NOT_ON|ORG_REQUIRES|RESOURCE_REQUIRES)_(ACCESS_LIST|WHITELIST)|GLOBAL_USER_OUTSIDE_SUBNET)$/;

/** Refusals from behind the sign-in: suspended, forbidden, not there. */
const KNOWN_CALLER = [402, 403, 404];

/**
 * `accepted`: Atlas knows who asks. `elsewhere`: it does, but not at this address. `rejected`: it does not. `unknown`: it
 * could not be found out; `blocked`: nobody tried.
 */
type SignIn =
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
