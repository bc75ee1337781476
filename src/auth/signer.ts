// What every kind of signer offers and needs, and which 401 means that Atlas rejects the credentials.
import * as z from "zod";
import type { Clock } from "../core/time.ts";
import type { HttpResponse, Send } from "../http/messages.ts";

export interface Signer {
  /** Sends the request signed. */
  send: Send;
  /** Revokes what signing obtained from Atlas, within two seconds. */
  close: () => Promise<void>;
}

export interface SignerContext {
  /** Its origin is the only one that may see credentials. */
  baseUrl: URL;
  /** Sends signed requests, and fetches tokens. */
  send: Send;
  clock: Clock;
  /** Receives every secret that signing obtains, before its first use. */
  onSecret: (secret: string) => void;
}

/** Atlas sends these codes with 401 where 403 is usual: it knows the caller, who lacks a role. */
const NOT_AUTHORIZED = new Set([
  "USER_UNAUTHORIZED",
  "NOT_IN_GROUP",
  "USER_CANNOT_ACCESS_GROUP",
  "USER_CANNOT_ACCESS_ORG",
  "NO_CURRENT_USER",
  "TENANT_SNAPSHOT_ACCESS_DENIED",
]);

const Coded = z.object({ errorCode: z.string() });

/** Whether Atlas rejects the credentials themselves, rather than denying a known caller permission. */
export function rejectsCredentials({ status, json }: HttpResponse): boolean {
  return status === 401 && !NOT_AUTHORIZED.has(Coded.safeParse(json).data?.errorCode ?? "");
}
