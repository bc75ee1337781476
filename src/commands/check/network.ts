import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import * as z from "zod";
import type { AtlasAccess } from "../../atlas/access.ts";
import { adviceFor } from "../../atlas/hints.ts";
import { proxySettings } from "../../config/network.ts";
import { type Environment, settingOf } from "../../config/readers.ts";
import { codeOf, ownFailure } from "../../core/errors.ts";
import { isLoopback } from "../../core/loopback.ts";
import { type CallLimits, type Clock, httpDate } from "../../core/time.ts";
import { type HttpResponse, headerOf } from "../../http/send.ts";
import {
  type CheckInput,
  describeFailure,
  duration,
  type Finding,
  failed,
  failedWith,
  ok,
  type StepResult,
  shown,
  skipped,
  warning,
} from "./step.ts";

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

/** Which proxy requests to Atlas take, judged by what the first one came to. */
export function proxy({ config, env }: Pick<CheckInput, "config" | "env">, finding: Finding<Answer>): StepResult {
  const { baseUrl, simulate } = config;
  const { httpProxy, httpsProxy, noProxy } = config.proxy;
  const asSet = proxySettings(env);
  const useless = [
    asSet.httpsProxy !== undefined && httpsProxy === undefined ? "HTTPS_PROXY" : "",
    asSet.httpProxy !== undefined && httpProxy === undefined ? "HTTP_PROXY" : "",
  ].filter(Boolean);
  if (useless.length > 0)
    return failed(
      `${useless.join(" and ")} cannot be used`,
      "Set it to the URL of the proxy, such as http://proxy.example.com:8080, or unset it if there is none.",
    );
  if (httpProxy === undefined && httpsProxy === undefined) return ok("none is set");
  if (simulate || isLoopback(baseUrl)) return ok("not used, since loopback never goes through a proxy");
  const [variable, value] = baseUrl.protocol === "https:" ? ["HTTPS_PROXY", httpsProxy] : ["HTTP_PROXY", httpProxy];
  const unreached = "failure" in finding ? finding.failure : undefined;
  if (value === undefined) {
    const found = `HTTP_PROXY does not count for https, and HTTPS_PROXY is not set`;
    return unreached ? warning(found, "If this network needs a proxy, set HTTPS_PROXY too.") : ok(found);
  }
  const exempt = noProxy === undefined ? "" : `; NO_PROXY exempts ${noProxy}`;
  const found = `${variable} is ${describeProxy(value)}${exempt}`;
  if ("blocked" in finding) return skipped(`${found}; nothing was sent`);
  if (unreached?.code !== "PROXY_FAILED") return ok(found);
  const reason = systemCodeOf(unreached.cause);
  return failedWith(unreached, `${found}. ${describeFailure(unreached)}${reason ? ` The system says ${reason}.` : ""}`);
}

/** Scheme, host and port; a user name and password are mentioned, never shown. */
function describeProxy(value: string): string {
  if (!URL.canParse(value)) return "not a URL";
  const url = new URL(value);
  return `${url.origin}${url.username || url.password ? " with user name and password" : ""}`;
}

/** What the operating system calls it, such as ECONNREFUSED, from wherever in the chain of causes it stands. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error) ?? "";
  return /^E[A-Z]{3,20}$/.test(code) ? code : systemCodeOf(error.cause);
}

/** A bundle of every public CA has a quarter of this. */
const MAX_BYTES = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Whether the extra certificates that Node.js trusts can be read; it says nothing itself when they cannot. */
export async function caCertificates(env: Environment): Promise<StepResult> {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    return warning(
      "NODE_TLS_REJECT_UNAUTHORIZED is 0, so no certificate is checked",
      "Unset it: anybody on the way can read the credentials. For a company's own CA set NODE_EXTRA_CA_CERTS.",
    );
  }
  const path = settingOf(env, "NODE_EXTRA_CA_CERTS");
  if (path === undefined) return ok("those of Node.js; NODE_EXTRA_CA_CERTS is not set");
  const text = await readPem(path);
  // As with any text of the person's own, an abbreviation that a shell would have expanded is a likely reason.
  const remark = path.startsWith("~") ? " Node.js reads it, which does not understand ~." : "";
  const unusable = (why: string) =>
    failed(
      `The file of NODE_EXTRA_CA_CERTS ${why}: ${path}`,
      `Set it to a file of certificates in PEM form, or unset it.${remark}`,
    );
  if (text === undefined) return unusable("cannot be read");
  const count = (text.match(CERTIFICATE) ?? []).filter(isCertificate).length;
  if (count === 0) return unusable("holds no certificate in PEM form");
  return ok(`those of Node.js and ${count} of NODE_EXTRA_CA_CERTS`);
}

/** The text of a regular file of bearable size, else nothing. */
async function readPem(path: string): Promise<string | undefined> {
  try {
    // Looked at first, since the open of a named pipe would wait for a writer for ever.
    const file = await stat(path);
    return file.isFile() && file.size <= MAX_BYTES ? await readFile(path, "utf8") : undefined;
  } catch {
    // Whatever the reason, the step says that it cannot be read.
    return undefined;
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // Not a certificate, which is the answer.
  }
}
