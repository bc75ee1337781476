import { type Problem, problem } from "../problems.ts";

/** The failures of RFC 6749 section 5.2 and the one that Atlas adds, as its token endpoints describe them. */
const OAUTH_ERRORS: Record<string, { status: number; description: string }> = {
  invalid_request: { status: 400, description: "The request is malformed." },
  invalid_grant: { status: 400, description: "The grant is invalid." },
  unsupported_grant_type: { status: 400, description: "The grant type is not supported." },
  invalid_client: { status: 401, description: "Invalid credentials provided." },
  access_denied: { status: 403, description: "Access Token limit reached for this service account." },
  server_error: { status: 500, description: "Unexpected error." },
};

const CODE_OF_STATUS: Record<number, string> = {
  400: "invalid_request",
  401: "invalid_client",
  403: "access_denied",
};

/** A token endpoint that is over its limit answers in the shape of the API. */
export const OAUTH_CODES: readonly string[] = [...Object.keys(OAUTH_ERRORS), "RATE_LIMITED"];

export function oauthProblem(code: string, status?: number): Problem {
  const known = OAUTH_ERRORS[code] ?? { status: status ?? 400, description: "Something undocumented happened." };
  const answered = status ?? known.status;
  return {
    status: answered,
    body: { error: code, error_description: known.description },
    headers: answered === 401 ? { "WWW-Authenticate": 'Basic realm="MMS Public API"' } : {},
  };
}

export function oauthProblemOfStatus(status: number, limit: { capacity: number; resource: string }): Problem {
  if (status === 429) return problem("RATE_LIMITED", limit);
  return oauthProblem(CODE_OF_STATUS[status] ?? "server_error", status);
}
