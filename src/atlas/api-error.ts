import { type ErrorEnvelope, Failure } from "../core/errors.ts";
import { clean } from "../core/text.ts";
import { retryAfterSeconds } from "../http/retry.ts";
import { type HttpResponse, headerOf } from "../http/send.ts";
import { adviceFor } from "./hints.ts";
import { ApiError } from "./schemas.ts";

const MAX_DETAIL_CHARACTERS = 500;
const MAX_TEXT_CHARACTERS = 256;
const MAX_CODE_CHARACTERS = 100;

/**
 * Turns an answer that is no success into a failure: Atlas's own fields, cleaned, and what to do about it. Tolerates every
 * body: none, HTML, a gateway's without `errorCode`, an OAuth one whose `error` is a string, null parameters.
 */
export function atlasFailure(response: HttpResponse, scrub: (text: string) => string, now: number): Failure {
  const { status } = response;
  const body = ApiError.safeParse(response.json).data ?? {};
  // Cleaned before it is scrubbed, since an invisible character could hide a secret, and cut only afterwards, since a cut one would no longer be recognised.
  const readable = (text = "", limit = MAX_TEXT_CHARACTERS) =>
    clean(scrub(clean(text, MAX_DETAIL_CHARACTERS * 8)), limit);
  const code =
    body.errorCode || headerOf(response, "x-error-code") || (typeof body.error === "string" ? body.error : undefined);
  const errorCode = readable(code, MAX_CODE_CHARACTERS) || undefined;
  const advice = adviceFor(status, errorCode);
  const wait = retryAfterSeconds(response, now);
  const fields = body.badRequestDetail?.fields.map(({ field, description }) => ({
    field: readable(field),
    description: readable(description),
  }));
  const reason = readable(body.reason);
  const detail = readable(body.detail, MAX_DETAIL_CHARACTERS);
  const envelope: ErrorEnvelope = {
    error: status,
    ...(errorCode ? { errorCode } : {}),
    ...(reason ? { reason } : {}),
    ...(detail ? { detail } : {}),
    ...(body.parameters
      ? {
          parameters: body.parameters.map((value) =>
            readable(typeof value === "string" ? value : JSON.stringify(value), MAX_DETAIL_CHARACTERS),
          ),
        }
      : {}),
    ...(fields?.length ? { badRequestDetail: { fields } } : {}),
    source: advice.source,
    retryable: advice.retryable,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
    hint: advice.hint,
  };
  return new Failure(envelope);
}
