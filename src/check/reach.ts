import * as z from "zod";
import { adviceFor } from "../atlas/hints.ts";
import type { AtlasAccess } from "../atlas-access.ts";
import { ownFailure } from "../core/errors.ts";
import { type CallLimits, type Clock, httpDate } from "../core/time.ts";
import { type HttpResponse, headerOf } from "../http/send.ts";
import { type Finding, shown } from "./attempt.ts";
import { duration } from "./duration.ts";
import { ok, type StepResult, skipped, warning } from "./step.ts";

/** Signatures and tokens of Atlas tolerate minutes; what the person sees as time left does not. */
const MAX_SKEW_MS = 60_000;

/** One answer of whoever is at the other end, and when it was asked for and came. */
export interface Answer {
  response: HttpResponse;
  /** Milliseconds since the epoch. */
  askedAt: number;
  cameAt: number;
}

/**
 * Asks for the projects without credentials: Atlas says 401, whoever else answers may have the rest of the check kept
 * from it. Rejects with `UNREADABLE_RESPONSE` when it is not Atlas.
 */
export async function askUnsigned(
  { sendUnsigned, baseUrl }: AtlasAccess,
  clock: Clock,
  limits: CallLimits,
): Promise<Answer> {
  const askedAt = clock.now();
  const response = await sendUnsigned({
    method: "GET",
    url: new URL("/api/atlas/v2/groups?itemsPerPage=1", baseUrl),
    headers: { accept: "application/vnd.atlas.2023-01-01+json" },
    ...limits,
  });
  if (!isAtlas(response)) throw notAtlas(response, baseUrl);
  return { response, askedAt, cameAt: clock.now() };
}

const AtlasError = z.object({ error: z.number() });

/** Atlas refuses in its own form of JSON, or challenges; a page of HTML or a success is somebody else's. */
function isAtlas(response: HttpResponse): boolean {
  if (response.status < 400) return false;
  const challenge = headerOf(response, "www-authenticate") ?? "";
  return AtlasError.safeParse(response.json).success || (response.status === 401 && /^Digest /i.test(challenge));
}

function notAtlas({ status: error }: HttpResponse, { host }: URL) {
  const detail = `${host} answered, but not as the Atlas API does.`;
  // A gateway in front of Atlas answers with a page while Atlas is away.
  const advice = error >= 500 ? { hint: `${adviceFor(error, undefined).hint} Check MONGODB_ATLAS_BASE_URL too.` } : {};
  return ownFailure("UNREADABLE_RESPONSE", { error, detail, ...advice });
}

export function reached(finding: Finding<Answer>): StepResult {
  if ("failure" in finding && finding.failure.code === "PROXY_FAILED")
    return skipped("the proxy did not let it through");
  return shown(finding, ({ askedAt, cameAt }) => ok(`answered within ${Math.max(cameAt - askedAt, 1)} ms`));
}

/** Compares this computer's clock with the `Date` of the answer (RFC 9110 section 6.6.1), which has whole seconds. */
export function clockSkew(finding: Finding<Answer>): StepResult {
  if (!("value" in finding)) return skipped("blocked" in finding ? finding.blocked : "Atlas was not reached");
  const { response, askedAt, cameAt } = finding.value;
  const theirs = httpDate(headerOf(response, "date") ?? "");
  if (theirs === undefined) return ok("the answer told no time to compare with");
  const skewMs = (askedAt + cameAt) / 2 - theirs;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return ok("agrees with Atlas to the minute");
  return warning(
    `this computer is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? "ahead of" : "behind"} Atlas`,
    "Set the clock of this computer, best by synchronising it: certificates, tokens and the expiry of links depend on it.",
  );
}
