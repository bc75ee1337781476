// The arguments that several tools take: each described once, with its limits in words, and where its value comes from.
import * as z from "zod";
import { ATLAS_ID, CLUSTER_NAME, isClusterName, MAX_CLUSTER_NAME_CHARACTERS } from "../core/atlas-id.ts";
import { USUAL_MAX_WAIT_SECONDS } from "../core/time.ts";
import { FILE_NAME } from "../download/contract.ts";
import { type Refused, TRAITS } from "./arguments.ts";

const HEX_ID = "must be 24 lower-case hexadecimal characters (0-9, a-f)";
const NAME = `must be a cluster name: letters, digits and hyphens, starting with a letter or digit, at most ${MAX_CLUSTER_NAME_CHARACTERS} characters`;
const FILE_NAME_RULE =
  "must be a plain file name of at most 121 characters: letters, digits, dots, hyphens and underscores, starting with a letter or digit";
const SWITCH = "must be true or false";

/** `what` is the beginning of the description and `from` its end, since hosts drop the pattern between. */
function id(what: string, from: string, whereFrom: (refused: Refused) => string) {
  return z
    .string({ error: HEX_ID })
    .regex(ATLAS_ID, { error: HEX_ID })
    .describe(`${what}: 24 hex characters, from ${from}`)
    .register(TRAITS, { isId: true, whereFrom });
}

const sentences = (...parts: string[]) => parts.filter(Boolean).join(". ");

export const groupId = id("Project id", "list_flex_clusters", ({ isOptional, ifTool }) =>
  sentences(
    ifTool(
      "list_flex_clusters",
      "list_flex_clusters shows the ids of projects",
      "Atlas shows it in the settings of the project",
    ),
    isOptional
      ? "groupId may be left out"
      : ifTool("save_flex_snapshot", "save_flex_snapshot needs only the cluster's name"),
  ),
);

export const name = z
  .string({ error: NAME })
  .max(MAX_CLUSTER_NAME_CHARACTERS, { error: NAME })
  .regex(CLUSTER_NAME, { error: NAME })
  .describe(`Flex cluster name: letters, digits, hyphens; at most ${MAX_CLUSTER_NAME_CHARACTERS}`)
  .register(TRAITS, {
    whereFrom({ given, ifTool }) {
      const bare = typeof given === "string" ? withoutQuotes(given) : "";
      if (bare !== given && isClusterName(bare)) return `Send ${bare}, without blanks and quotes`;
      return sentences(
        "It is the name of the cluster in Atlas, not a project, a database or a connection string",
        ifTool("list_flex_clusters", "list_flex_clusters shows the names"),
      );
    },
  });

/** Only a short text can be a name with quotes around it. */
const withoutQuotes = (text: string) =>
  text.slice(0, 2 * MAX_CLUSTER_NAME_CHARACTERS).replace(/^[\s\p{Quotation_Mark}`]+|[\s\p{Quotation_Mark}`]+$/gu, "");

export const snapshotId = id("Snapshot id", "list_flex_snapshots", ({ isOptional, ifTool }) =>
  isOptional
    ? sentences(
        "Leave snapshotId out only if the newest complete backup is meant",
        ifTool("list_flex_snapshots", "list_flex_snapshots shows the ids of the others, with their times"),
      )
    : sentences(
        ifTool(
          "list_flex_snapshots",
          "list_flex_snapshots shows the ids of backups; latestCompleteSnapshotId is the newest",
        ),
        ifTool("list_saved_snapshots", "list_saved_snapshots shows those of downloads"),
      ),
);

export const restoreJobId = id("Job id", "list_restore_jobs", ({ ifTool }) =>
  ifTool(
    "list_restore_jobs",
    "list_restore_jobs shows the ids of jobs",
    ifTool("request_flex_snapshot_download", "request_flex_snapshot_download answers with it as restoreJob.id"),
  ),
);

export const fileName = z
  .string({ error: FILE_NAME_RULE })
  .regex(FILE_NAME, { error: FILE_NAME_RULE })
  .describe("File name in the download folder, no path: letters, digits, dots, hyphens, underscores; at most 121")
  .register(TRAITS, {
    whereFrom({ given, isOptional, ifTool }) {
      const isPath = typeof given === "string" && /[/\\:]/.test(given);
      if (!isOptional)
        return sentences(
          isPath ? "Only files in the download folder can be checked" : "",
          ifTool("list_saved_snapshots", "list_saved_snapshots shows their names"),
        );
      return isPath
        ? "The folder is a setting: the person changes ATLAS_FLEX_DOWNLOAD_DIR and restarts this server, or copies the finished file afterwards"
        : "Leave fileName out for a name of cluster, time and id";
    },
  });

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
