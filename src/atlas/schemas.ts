import * as z from "zod";

export const ObjectId = z.string().regex(/^([a-f0-9]{24})$/);
export const ClusterName = z
  .string()
  .max(64)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9-]*$/);

const text = z.string().optional();

/** FlexBackupRestoreJob20241113: Atlas promises no field, so none is required; unknown ones are dropped. */
export const RestoreJob = z.object({
  id: text,
  deliveryType: text,
  status: text,
  snapshotId: text,
  snapshotUrl: text,
  expirationDate: text,
  instanceName: text,
  projectId: text,
  restoreScheduledDate: text,
  restoreFinishedDate: text,
  snapshotFinishedDate: text,
  targetDeploymentItemName: text,
  targetProjectId: text,
});
export type RestoreJob = z.infer<typeof RestoreJob>;

/** FlexBackupSnapshot20241113. */
export const Snapshot = z.object({
  id: text,
  status: text,
  mongoDBVersion: text,
  scheduledTime: text,
  startTime: text,
  finishTime: text,
  expiration: text,
});
export type Snapshot = z.infer<typeof Snapshot>;

export const SnapshotList = z.object({ results: z.array(Snapshot) });

export const ApiError = z.object({
  error: z.number().optional(),
  errorCode: z.string().nullish(),
  reason: z.string().nullish(),
  detail: z.string().nullish(),
});
