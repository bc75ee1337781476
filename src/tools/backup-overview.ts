// The newest backup of every cluster in a list, and the sentences that answer "are my backups all right?".
import * as z from "zod";
import { ageHoursOf, type BackupLook, type ClusterInProject, lookForBackups, STALE_HOURS } from "../atlas/backups.ts";
import { labelsOf, type ReadableProject } from "../atlas/look.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { Failure } from "../core/errors.ts";
import { firstFew } from "../core/text.ts";
import { whenOf } from "../core/time.ts";
import type { ToolContext } from "./tool.ts";

/** Every project of an organization usually refuses for the same reason. */
const MAX_HINTS = 2;

/** What the overview adds to a cluster. */
export const overviewFields = {
  newestBackup: z
    .strictObject({
      snapshotId: z.string(),
      when: z.string().optional(),
      ageHours: z.number().optional(),
      savedHere: z.boolean().optional(),
    })
    .optional(),
  attention: z.string().optional(),
};

export interface ListedCluster extends ClusterInProject {
  project: ReadableProject;
}

type Looked = ListedCluster & BackupLook & { savedHere?: boolean };

/** `deadline` and `report` are those of this part of the call. */
type OverviewContext = Pick<ToolContext, "atlas" | "store" | "clock" | "deadline" | "signal" | "ifTool"> & {
  onLook: (count: number) => void;
};

/** The clusters as the answer shows them, in the same order, and the summary; `isAll`: there are no other clusters. */
export async function overviewOf(clusters: readonly ListedCluster[], isAll: boolean, context: OverviewContext) {
  const { atlas, store, clock, deadline, signal, ifTool, onLook } = context;
  const now = clock.now();
  const [looks, saved] = await Promise.all([
    lookForBackups(atlas, clusters, { deadline, signal, clock }, onLook),
    savedIn(store, signal),
  ]);
  const looked = looks.map(
    (look): Looked => ({
      ...look,
      ...(saved && look.newest && { savedHere: saved.has(keyOf(look.groupId, look.newest.id)) }),
    }),
  );
  const summary = [...healthOf(looked, isAll), ...hintsOf(looked), ...savedOf(looked, saved !== undefined, ifTool)];
  return { views: looked.map((look) => viewOf(look, now)), summary: summary.join(" ") };
}

function viewOf({ cluster: { name, stateName }, newest, attention, savedHere }: Looked, now: number) {
  const newestBackup = newest && {
    snapshotId: newest.id,
    when: whenOf(newest.finishTime, now),
    ageHours: ageHoursOf(newest, now),
    savedHere,
  };
  return { name, stateName, ...(newestBackup && { newestBackup }), ...(attention !== undefined && { attention }) };
}

const keyOf = (groupId: string, snapshotId: string) => `${groupId}/${snapshotId}`;

/** The snapshots with a sound file here; undefined when the download folder cannot be read. */
async function savedIn(store: ToolContext["store"], signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
  try {
    const files = await store.saved(signal);
    return new Set(
      files.flatMap(({ identity, sound }) => (identity && sound ? [keyOf(identity.groupId, identity.snapshotId)] : [])),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return undefined;
  }
}

/** Which clusters have a backup of the last day, and which do not. */
function healthOf(looks: readonly Looked[], isAll: boolean): string[] {
  const needy = looks.filter(({ attention }) => attention !== undefined);
  const young = looks.filter(({ attention, newest }) => attention === undefined && newest === undefined);
  const fine = looks.length - needy.length - young.length;
  const scope = isAll ? "" : " that were looked at";
  const fresh = `a backup of the last ${STALE_HOURS} hours`;
  const label = titlesOf(looks);
  const sentences: string[] = [];
  if (needy.length > 0) {
    const share =
      looks.length === 1
        ? `The cluster${scope} needs`
        : `${needy.length} of ${looks.length} clusters${scope} ${needy.length === 1 ? "needs" : "need"}`;
    sentences.push(`${share} attention: ${firstFew(needy.map(label))}; see attention.`);
    if (fine > 0) sentences.push(fine === 1 ? `1 other has ${fresh}.` : `${fine} others have ${fresh}.`);
  } else if (fine > 0 && young.length > 0) {
    sentences.push(`${fine} of ${looks.length} clusters${scope} ${fine === 1 ? "has" : "have"} ${fresh}.`);
  } else if (fine > 0) {
    sentences.push(fine === 1 ? `The cluster${scope} has ${fresh}.` : `All ${fine} clusters${scope} have ${fresh}.`);
  }
  if (young.length > 0)
    sentences.push(
      `Too young for a backup: ${firstFew(young.map(label))}. Atlas takes the first one about 24 hours after a cluster is created.`,
    );
  return sentences;
}

function hintsOf(looks: readonly Looked[]): string[] {
  const hints = [...new Set(looks.flatMap(({ failure }) => failure?.envelope.hint ?? []))];
  return hints.slice(0, MAX_HINTS).map((hint) => `To read what could not be read: ${hint}`);
}

function savedOf(looks: readonly Looked[], isKnown: boolean, ifTool: ToolContext["ifTool"]): string[] {
  const count = looks.filter(({ newest }) => newest).length;
  if (count === 0) return [];
  if (!isKnown) return ["The download folder could not be read, so what is saved on this computer is not known."];
  const saved = looks.filter(({ savedHere }) => savedHere).length;
  if (saved === count)
    return [
      count === 1
        ? "The newest backup is saved on this computer."
        : "The newest backups are all saved on this computer.",
    ];
  const share =
    count === 1
      ? "The newest backup is not saved on this computer."
      : `Of the ${count} newest backups, ${saved === 0 ? "none" : saved} ${saved > 1 ? "are" : "is"} saved on this computer.`;
  return [
    `${share}${ifTool("save_flex_snapshot", " To save one, call save_flex_snapshot with the cluster's name, and its groupId where several projects have the name.")}`,
  ];
}

/** Only names in the form of Atlas stand in a sentence. */
function titlesOf(looks: readonly Looked[]): (look: Looked) => string {
  const named = ({ cluster: { name = "" }, project }: Looked) => ({ name, project });
  const label = labelsOf(looks.map(named));
  return (look) => (isClusterName(look.cluster.name ?? "") ? label(named(look)) : "one without a usual name");
}
