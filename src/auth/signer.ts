import * as z from "zod";
import type { Clock } from "../core/time.ts";
import type { HttpResponse, Send } from "../http/send.ts";

/** Requests go out signed; `close` gives back at Atlas what the signing has taken, within two seconds. */
export interface Signer {
  send: Send;
  close: () => Promise<void>;
}

export interface SignerContext {
  /** Its origin is the only one that may see credentials. */
  baseUrl: URL;
  /** Sends what has been signed, and fetches tokens. */
  send: Send;
  clock: Clock;
  /** Told every secret that arises at run time, before it is used. */
  onSecret: (secret: string) => void;
}

/** With these Atlas says 401 where others say 403: it knows the caller, who lacks a role. */
const NOT_AUTHORIZED = new Set([
  "USER_UNAUTHORIZED",
  "NOT_IN_GROUP",
  "USER_CANNOT_ACCESS_GROUP",
  "USER_CANNOT_ACCESS_ORG",
  "NO_CURRENT_USER",
  "TENANT_SNAPSHOT_ACCESS_DENIED",
]);

const Coded = z.object({ errorCode: z.string() });

/** Whether Atlas does not accept the credentials themselves, as against missing permission of a known caller. */
export function rejectsCredentials({ status, json }: HttpResponse): boolean {
  return status === 401 && !NOT_AUTHORIZED.has(Coded.safeParse(json).data?.errorCode ?? "");
}
