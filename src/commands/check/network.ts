// Steps of `check` about the route to Atlas: CA certificates, proxy, connection and clock.
import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import * as z from "zod";
import type { AtlasAccess } from "../../atlas/access.ts";
import { adviceFor } from "../../atlas/hints.ts";
import { proxyVariable } from "../../config/network.ts";
import { type Environment, isSet, settingOf, shownOr } from "../../config/setting-text.ts";
import { codeOf, ownFailure } from "../../core/errors.ts";
import { isLoopback } from "../../core/loopback.ts";
import type { CallLimits, Clock } from "../../core/time.ts";
import { type HttpResponse, headerOf, serverTimeOf } from "../../http/messages.ts";
import { describeFailure } from "../advice.ts";
import type { Configured } from "../terminal.ts";
import { duration, type Finding, failed, failedWith, ok, resultOf, type StepResult, skipped, warning } from "./step.ts";

/** Atlas tolerates minutes in signatures and tokens, but a larger skew makes the displayed time left of a link wrong. */
const MAX_SKEW_MS = 60_000;
/** A bundle of all public CAs is about a quarter of this. */
const MAX_CERTIFICATES_BYTES = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Whether the extra certificates can be read. If not, Node.js goes on without them, with at most a warning on stderr. */
export async function caCertificates(env: Environment): Promise<StepResult> {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    return warning(
      "NODE_TLS_REJECT_UNAUTHORIZED is 0, so no certificate is checked",
      "Unset it: anybody on the way can read the credentials. For a company's own CA set NODE_EXTRA_CA_CERTS.",
    );
  }
  const { NODE_EXTRA_CA_CERTS: path } = env;
  if (path === undefined || !isSet(settingOf(env, "NODE_EXTRA_CA_CERTS")))
    return ok("those of Node.js; NODE_EXTRA_CA_CERTS is not set");
  const count = await countCertificates(path);
  if (count) return ok(`those of Node.js and ${count} of NODE_EXTRA_CA_CERTS`);
  const why = count === undefined ? "cannot be read" : "holds no certificate in PEM form";
  // People expect ~ to work as in a shell, and quotes as in other settings of this server.
  const isOdd = path.startsWith("~") || settingOf(env, "NODE_EXTRA_CA_CERTS").text !== path;
  const remark = isOdd
    ? " Node.js itself reads it, which understands neither ~ nor quotes, blanks and placeholders."
    : "";
  return failed(
    `The file of NODE_EXTRA_CA_CERTS ${why}: ${shownOr("its name is not shown", path)}`,
    `Set it to a file of certificates in PEM form, or unset it.${remark}`,
  );
}

/** Undefined for anything but a readable regular file of acceptable size. */
async function countCertificates(path: string): Promise<number | undefined> {
  try {
    // Checked before opening: opening a named pipe would wait for a writer forever.
    const file = await stat(path);
    if (!file.isFile() || file.size > MAX_CERTIFICATES_BYTES) return undefined;
    return (await readFile(path, "utf8")).match(CERTIFICATE)?.filter(isCertificate).length ?? 0;
  } catch {
    return undefined; // The step reports an unreadable file; the reason does not matter.
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // The parser throws for anything but a certificate.
  }
}

/** One answer, with the times of the request and of the answer in milliseconds since the epoch. */
export interface Answer {
  response: HttpResponse;
  askedAt: number;
  cameAt: number;
}

const AtlasError = z.object({ error: z.number() });

/**
 * Requests the projects without credentials, which Atlas answers with 401. An answer that Atlas would not send rejects, so that
 * another server never receives the credentials.
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
  if (isFromAtlas(response)) return { response, askedAt, cameAt: clock.now() };
  const { status: error } = response;
  const detail = `${baseUrl.host} answered, but not as the Atlas API does.`;
  // While Atlas is down, a gateway in front of it answers with an HTML page.
  const advice = error >= 500 ? { hint: `${adviceFor(error, undefined).hint} Check MONGODB_ATLAS_BASE_URL too.` } : {};
  throw ownFailure("UNREADABLE_RESPONSE", { error, detail, ...advice });
}

/** Atlas refuses with its own JSON or a Digest challenge. HTML or a success comes from another server. */
function isFromAtlas(response: HttpResponse): boolean {
  if (response.status < 400) return false;
  const challenge = headerOf(response, "www-authenticate") ?? "";
  return AtlasError.safeParse(response.json).success || (response.status === 401 && /^Digest /i.test(challenge));
}

/** Which proxy the requests to Atlas use, and whether the first request got through it. */
export function proxy({ config, env }: Pick<Configured, "config" | "env">, finding: Finding<Answer>): StepResult {
  const { baseUrl, simulate } = config;
  const { httpProxy, httpsProxy, noProxy } = config.proxy;
  const http = proxyVariable(env, "HTTP_PROXY");
  const https = proxyVariable(env, "HTTPS_PROXY");
  const useless = [httpsProxy === undefined ? https : undefined, httpProxy === undefined ? http : undefined].filter(
    (name) => name !== undefined,
  );
  if (useless.length > 0)
    return failed(
      `${useless.join(" and ")} cannot be used`,
      "Set it to the URL of the proxy, such as http://proxy.example.com:8080, or unset it if there is none.",
    );
  if (httpProxy === undefined && httpsProxy === undefined) return ok("none is set");
  if (simulate || isLoopback(baseUrl)) return ok("not used, since loopback never goes through a proxy");

  const failure = "failure" in finding ? finding.failure : undefined;
  const [variable, value] = baseUrl.protocol === "https:" ? [https, httpsProxy] : [http, httpProxy];
  if (value === undefined) {
    const found = "HTTP_PROXY does not count for https, and HTTPS_PROXY is not set";
    return failure ? warning(found, "If this network needs a proxy, set HTTPS_PROXY too.") : ok(found);
  }
  // A user name and a password are mentioned, but never shown.
  const { origin, username, password } = new URL(value);
  const login = username || password ? " with user name and password" : "";
  const exempt = noProxy === undefined ? "" : `; NO_PROXY exempts ${shownOr("hosts that are not shown", noProxy)}`;
  const found = `${variable} is ${shownOr("set", origin)}${login}${exempt}`;
  if ("blocked" in finding) return skipped(`${found}; nothing was sent`);
  if (failure?.code !== "PROXY_FAILED") return ok(found);
  const reason = systemCodeOf(failure.cause);
  return failedWith(failure, `${found}. ${describeFailure(failure)}${reason ? ` The system says ${reason}.` : ""}`);
}

/** The operating system's error code, such as ECONNREFUSED, from anywhere in the chain of causes. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error) ?? "";
  return /^E[A-Z]{3,20}$/.test(code) ? code : systemCodeOf(error.cause);
}

/** Whether Atlas answered, and how fast. */
export function connection(finding: Finding<Answer>): StepResult {
  if ("failure" in finding && finding.failure.code === "PROXY_FAILED")
    return skipped("the proxy did not let it through");
  if (!("value" in finding)) return resultOf(finding);
  const { askedAt, cameAt } = finding.value;
  return ok(`answered within ${Math.max(cameAt - askedAt, 1)} ms`);
}

/** Compares this computer's clock with the `Date` of the answer (RFC 9110 section 6.6.1), which has whole seconds. */
export function clockSkew(finding: Finding<Answer>): StepResult {
  if (!("value" in finding)) return skipped("blocked" in finding ? finding.blocked : "Atlas was not reached");
  const { response, askedAt, cameAt } = finding.value;
  const theirs = serverTimeOf(response);
  if (theirs === undefined) return ok("the answer told no time to compare with");
  const skewMs = (askedAt + cameAt) / 2 - theirs;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return ok("agrees with Atlas to the minute");
  return warning(
    `this computer is ${duration(Math.abs(skewMs))} ${skewMs > 0 ? "ahead of" : "behind"} Atlas`,
    "Set the clock of this computer, best by synchronising it: certificates, tokens and the expiry of links depend on it.",
  );
}
