// Remembers what identifies somebody or grants access in requests and answers as they come.
import type { Exchange } from "../../../atlas/access.ts";
import type { HttpResponse } from "../../../http/messages.ts";
import { ENUM_FIELDS } from "./documented.ts";
import type { Hidden } from "./hidden.ts";
import { isEnumValue, mediaTypeOf } from "./shown.ts";

export function hideRequest(hidden: Hidden, { url, headers, body = "" }: Exchange["request"]): void {
  hidden.url(url);
  hidden.pieces(body);
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== "authorization") continue;
    const [, scheme = "", credentials = ""] = /^(\w+) +(.*)$/s.exec(value) ?? [];
    if (scheme.toLowerCase() === "basic")
      for (const part of Buffer.from(credentials, "base64").toString().split(":")) hidden.secret(part);
    if (scheme.toLowerCase() === "digest")
      for (const [, text = ""] of credentials.matchAll(/(?<!\buri=)"([^"]*)"/g)) hidden.secret(text);
    hidden.secret(credentials);
  }
}

/** Headers whose values say what many answers say. */
const COMMON_HEADERS =
  /^(?:accept-ranges|connection|content-encoding|server|transfer-encoding|vary|www-authenticate|x-error-code)$/;

export function hideHeaders(hidden: Hidden, headers: HttpResponse["headers"]): void {
  for (const [name, values = []] of Object.entries(headers))
    for (const value of [values].flat()) {
      const isKnownType = name === "content-type" && mediaTypeOf(headers) !== "another media type";
      if (isKnownType) hidden.pieces(value.replace(/^[^;]*/, ""));
      else if (COMMON_HEADERS.test(name)) hidden.pieces(value);
      else hidden.text(value);
      if (name === "set-cookie") hidden.secret(value.replace(/^[^=]*=|;.*$/gs, ""));
      // A nonce, an ETag.
      for (const [, text = ""] of value.matchAll(/"([^"]{6,})"/g)) hidden.text(text);
    }
}

/** Fields whose texts say what many answers say. */
const COMMON_FIELDS = /^(?:rel|reason|token_type|regionName|mongoDBVersion)$/;

/** Remembers every text of a JSON value, except those that many answers have. */
export function hideJson(hidden: Hidden, value: unknown, field = ""): void {
  if (typeof value === "string") {
    const isWord = (ENUM_FIELDS.has(field) || field === "errorCode") && isEnumValue(value);
    if (isWord || COMMON_FIELDS.test(field)) return hidden.pieces(value);
    if (/token$|secret$/i.test(field)) hidden.secret(value);
    if (/name$/i.test(field)) hidden.name(value);
    hidden.text(value);
  } else if (Array.isArray(value)) {
    for (const item of value) hideJson(hidden, item, field);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) hideJson(hidden, item, name);
  }
}
