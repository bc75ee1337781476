import { proxySettings } from "../config/network.ts";
import { codeOf } from "../core/errors.ts";
import { isLoopback } from "../core/loopback.ts";
import type { Finding } from "./attempt.ts";
import type { Answer } from "./reach.ts";
import { type CheckInput, describeFailure, failed, failedWith, ok, type StepResult, skipped, warning } from "./step.ts";

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
  const found = `${variable} is ${describe(value)}${exempt}`;
  if ("blocked" in finding) return skipped(`${found}; nothing was sent`);
  if (unreached?.code !== "PROXY_FAILED") return ok(found);
  const reason = systemCodeOf(unreached.cause);
  return failedWith(unreached, `${found}. ${describeFailure(unreached)}${reason ? ` The system says ${reason}.` : ""}`);
}

/** Scheme, host and port; a user name and password are mentioned, never shown. */
function describe(value: string): string {
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
