import type { Config } from "../config.ts";
import { isLoopback } from "../http/loopback.ts";
import type { Finding } from "./attempt.ts";
import type { Answer } from "./reach.ts";
import { failedWith, ok, type StepResult, skipped, warning } from "./step.ts";

/** Which proxy requests to Atlas take, judged by what the first one came to. */
export function proxy({ proxy: settings, baseUrl, simulate }: Config, finding: Finding<Answer>): StepResult {
  const { httpProxy, httpsProxy, noProxy } = settings;
  if (httpProxy === undefined && httpsProxy === undefined) return ok("none is set");
  if (simulate || isLoopback(baseUrl)) return ok("not used, since loopback never goes through a proxy");
  const [variable, value] = baseUrl.protocol === "https:" ? ["HTTPS_PROXY", httpsProxy] : ["HTTP_PROXY", httpProxy];
  const unreached = "failure" in finding ? finding.failure : undefined;
  if (value === undefined) {
    const found = `HTTP_PROXY does not count for https, and HTTPS_PROXY is not set`;
    return unreached ? warning(found, "If this network needs a proxy, set HTTPS_PROXY too.") : ok(found);
  }
  const exempt = noProxy === undefined ? "" : `; NO_PROXY exempts ${noProxy}`;
  const found = `${variable} is ${describe(value)}${exempt}`;
  if ("blocked" in finding) return skipped(`${found}; nothing was sent`);
  return unreached?.code === "PROXY_FAILED"
    ? failedWith(unreached, `${found}. ${unreached.envelope.detail ?? ""}`.trim())
    : ok(found);
}

/** Scheme, host and port; a user name and password are mentioned, never shown. */
function describe(value: string): string {
  if (!URL.canParse(value)) return "not a URL";
  const url = new URL(value);
  return `${url.origin}${url.username || url.password ? " with user name and password" : ""}`;
}
