import type * as z from "zod";
import { Failure } from "../errors.ts";
import type { Send } from "../http/send.ts";
import { ApiError, RestoreJob, SnapshotList } from "./schemas.ts";

/** The only version in which Atlas offers the Flex backup resources. */
const MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";

export interface Atlas {
  listSnapshots(groupId: string, name: string, signal: AbortSignal): Promise<z.infer<typeof SnapshotList>>;
  requestDownload(groupId: string, name: string, snapshotId: string, signal: AbortSignal): Promise<RestoreJob>;
  getRestoreJob(groupId: string, name: string, restoreJobId: string, signal: AbortSignal): Promise<RestoreJob>;
}

/** The Atlas Admin API operations this server uses, one method each. */
export function createAtlas(baseUrl: URL, send: Send): Atlas {
  async function call<T>(
    schema: z.ZodType<T>,
    method: "GET" | "POST",
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<T> {
    const response = await send({
      method,
      url: new URL(path, baseUrl),
      headers: { accept: MEDIA_TYPE, ...(body ? { "content-type": MEDIA_TYPE } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      deadline: Date.now() + 45_000,
      signal,
    });
    const { json } = response;
    if (response.status !== 200) throw atlasFailure(response.status, json);
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new Failure({
      error: response.status,
      errorCode: "UNREADABLE_RESPONSE",
      detail: "Atlas answered with something this server cannot read.",
      source: "atlas",
      retryable: method === "GET",
      hint: "Check MONGODB_ATLAS_BASE_URL and any proxy between this computer and Atlas.",
    });
  }

  const backup = (groupId: string, name: string) => `/api/atlas/v2/groups/${groupId}/flexClusters/${name}/backup`;
  return {
    listSnapshots: (groupId, name, signal) =>
      call(SnapshotList, "GET", `${backup(groupId, name)}/snapshots?itemsPerPage=500`, signal),
    requestDownload: (groupId, name, snapshotId, signal) =>
      call(RestoreJob, "POST", `${backup(groupId, name)}/download`, signal, { snapshotId }),
    getRestoreJob: (groupId, name, restoreJobId, signal) =>
      call(RestoreJob, "GET", `${backup(groupId, name)}/restoreJobs/${restoreJobId}`, signal),
  };
}

function atlasFailure(status: number, json: unknown): Failure {
  const body = ApiError.safeParse(json).data;
  return new Failure({
    error: status,
    ...(body?.errorCode ? { errorCode: body.errorCode } : {}),
    ...(body?.reason ? { reason: body.reason } : {}),
    ...(body?.detail ? { detail: body.detail } : {}),
    source: status === 401 || status === 403 ? "credentials" : "atlas",
    retryable: status === 429 || status >= 500,
    hint:
      status === 401 || status === 403
        ? "Check the credentials, their project role (Project Owner or Project Backup Export Operator) and their API access list."
        : "Check groupId, name and the id with list_flex_snapshots, then call again.",
  });
}
