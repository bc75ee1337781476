// The arguments that several tools take: each described once, with its rule in words.
import * as z from "zod";
import { ATLAS_ID, CLUSTER_NAME, MAX_CLUSTER_NAME_CHARACTERS } from "../core/atlas-id.ts";
import { FILE_NAME } from "../download/contract.ts";
import { USUAL_MAX_WAIT_SECONDS } from "./tool.ts";

const HEX_ID = "must be 24 lower-case hexadecimal characters (0-9, a-f)";
const objectId = z.string({ error: HEX_ID }).regex(ATLAS_ID, { error: HEX_ID });
const NAME = `must be a cluster name: letters, digits and hyphens, starting with a letter or digit, at most ${MAX_CLUSTER_NAME_CHARACTERS} characters`;
const FILE_NAME_RULE =
  "must be a plain file name of at most 121 characters: letters, digits, dots, hyphens and underscores, starting with a letter or digit";
const SWITCH = "must be true or false";

export const groupId = objectId.describe("Project id, from list_flex_clusters");
export const name = z
  .string({ error: NAME })
  .max(MAX_CLUSTER_NAME_CHARACTERS, { error: NAME })
  .regex(CLUSTER_NAME, { error: NAME })
  .describe("Flex cluster name");
export const snapshotId = objectId.describe("Snapshot id, from list_flex_snapshots");
export const restoreJobId = objectId.describe("Job id, from list_restore_jobs");
export const fileName = z
  .string({ error: FILE_NAME_RULE })
  .regex(FILE_NAME, { error: FILE_NAME_RULE })
  .describe("File name in the download folder");
export const envelope = z.boolean({ error: SWITCH }).optional().describe("Atlas wraps its answer; same result here");
export const pretty = z.boolean({ error: SWITCH }).optional().describe("Indents the JSON text");

export function wholeNumber(minimum: number, maximum: number, fallback: number) {
  const rule = `must be a whole number from ${minimum} to ${maximum}`;
  return z.int({ error: rule }).min(minimum, { error: rule }).max(maximum, { error: rule }).default(fallback);
}

const WAIT = "must be a whole number of seconds, 0 or more";

/** Without a maximum, which the configuration may change: `waitMsOf` takes a longer wait as the longest. */
export const waitSeconds = (usual: number) =>
  z
    .int({ error: WAIT })
    .min(0, { error: WAIT })
    .optional()
    .describe(
      `Seconds to wait for the end, 0 to ${USUAL_MAX_WAIT_SECONDS} unless the person raised the limit; default ${usual}`,
    );

export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `must be one of ${words.join(", ")}` });
}
