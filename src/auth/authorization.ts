import * as z from "zod";
import type { HttpResponse } from "../http/send.ts";

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
