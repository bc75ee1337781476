import { errors } from "undici";
import { codeOf, Failure, ownFailure } from "../core/errors.ts";

/** OpenSSL's and Node's codes of certificates that are not trusted and of handshakes that fail. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|UND_ERR_PRX_TLS)/;

export function isTlsError(cause: unknown): boolean {
  return TLS_CODE.test(codeOf(cause) ?? "");
}

/** The failure that an error of the transport means; `sent` says whether bytes of the request may have left. */
export function transportFailure(cause: unknown, { host, sent }: { host: string; sent: boolean }): Failure {
  if (cause instanceof Failure) return cause;
  const code = printableCodeOf(cause);
  const options = { cause };
  const coded = code ? ` (${code})` : "";
  if (TLS_CODE.test(code)) {
    return ownFailure("TLS_FAILED", { detail: `No trusted connection to ${host}${coded}.` }, options);
  }
  if (cause instanceof errors.HTTPParserError || cause instanceof errors.HeadersOverflowError) {
    return ownFailure("UNREADABLE_RESPONSE", { detail: `${host} sent something that is not HTTP.` }, options);
  }
  switch (code) {
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return ownFailure("TIMEOUT", { detail: `${host} stopped answering.` }, options);
    case "UND_ERR_RES_EXCEEDED_MAX_SIZE":
      return ownFailure("RESPONSE_TOO_LARGE", {}, options);
    case "UND_ERR_INVALID_ARG":
      return ownFailure("INTERNAL_ERROR", { detail: `A request to ${host} was malformed; nothing was sent.` }, options);
    case "UND_ERR_SOCKS5":
      return ownFailure("PROXY_FAILED", {}, options);
  }
  return sent
    ? ownFailure("CONNECTION_LOST", { detail: `The connection to ${host} broke${coded}.` }, options)
    : ownFailure("CONNECTION_FAILED", { detail: `No connection to ${host} could be made${coded}.` }, options);
}

function printableCodeOf(cause: unknown): string {
  const code = codeOf(cause) ?? "";
  return /^[A-Z0-9_]{1,60}$/.test(code) ? code : "";
}
