// Reads what the tools answered: where one save stands, in the terms of the view. Touches no document.
import { isPhase, type Save } from "./words.ts";

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Without fields for anything else. */
export const fields = (value: unknown): Fields => (isFields(value) ? value : {});

const MAX_PATH_CHARACTERS = 4_096;
/** Those of a cluster's name are fewer; whoever answers in the server's name shall not fill the page with it. */
export const MAX_NAME_CHARACTERS = 99;

/**
 * The server has cleaned its texts. Another one may answer in its name, so nothing here can hide, turn or flood the text beside
 * it. Empty for anything but a text.
 */
export const text = (value: unknown, maxCharacters = 999): string =>
  typeof value === "string" ? value.slice(0, maxCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ") : "";

/** Throws for what is none, so that an answer of another form is not taken for zero. */
const count = (value: unknown): number => (typeof value === "number" ? value : misfit());

function misfit(): never {
  throw new TypeError("The answer does not fit its schema");
}
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : misfit());

/** Why a call failed, for people; undefined for one that succeeded. */
export function failureOf({ isError, structuredContent }: Fields): string[] | undefined {
  return isError ? reasonsOf(fields(structuredContent).error) : undefined;
}

function reasonsOf(error: unknown): string[] {
  const { detail, errorCode, hint } = fields(error);
  return [text(detail ?? errorCode), text(hint)].filter(Boolean);
}

const idsOf = (row: Fields) => fields(row.continueWith ?? row);

/** A row about one snapshot, in whichever answer it stands. */
export function readRow(row: Fields, known?: Save): Save {
  const ids = idsOf(row);
  const phase = text(row.state);
  return {
    phase: isPhase(phase) ? phase : misfit(),
    groupId: text(ids.groupId),
    name: text(ids.name, MAX_NAME_CHARACTERS) || text(known?.name),
    snapshotId: text(ids.snapshotId),
    project: text(row.projectName) || text(known?.project),
    when: text(row.when) || text(known?.when),
    bytes: count(row.bytes),
    totalBytes: Number(row.totalBytes ?? 0),
    timeLeft: text(row.timeLeft),
    rate: "",
    path: text(row.path, MAX_PATH_CHARACTERS),
    sha256: text(row.sha256),
    isUnsound: row.sound === false,
    reasons: reasonsOf(row.lastError),
    isSimulated: known?.isSimulated,
  };
}

/** The answer of `save_flex_snapshot`. */
export function readSave(result: Fields, known: Save): Save {
  const reasons = failureOf(result);
  if (reasons) return { ...known, phase: "failed", reasons };
  const answer = fields(result.structuredContent);
  return readRow(answer, { ...known, isSimulated: answer.simulated });
}

/** The answer of `stop_saving_snapshot`. */
export function readStop(result: Fields, known: Save): Save {
  const { state, bytes } = fields(result.structuredContent);
  const phase = state === "discarded" ? state : "paused";
  return { ...known, phase, bytes: count(bytes), reasons: [], rate: "", timeLeft: "" };
}

/** What the server adds for this view to an answer of `list_saved_snapshots`, where no model reads it. */
export const ASIDE = "atlas-flex-snapshots/view";

/** What the answer of `list_saved_snapshots` says of one save: the one that is known, else one that runs as it was ordered. */
export function readList({ structuredContent, _meta }: Fields, order: Fields, known: Save): Save {
  const { transfers, files } = fields(structuredContent);
  const { sha256, lookingUp } = fields(fields(_meta)[ASIDE]);
  const wanted: Fields = known.snapshotId ? { ...known } : order;
  const id = text(wanted.snapshotId);
  const isMeant = (row: Fields) =>
    ["snapshotId", "groupId", "name"].every((key) => !wanted[key] || wanted[key] === idsOf(row)[key]);
  // Without the snapshot's id, a part that stands still may be one of an older backup.
  const open = list(transfers).find(
    (row) => isMeant(row) && (id || !["paused", "elsewhere"].includes(text(row.state))),
  );
  const file = list(files).find((row) => id && isMeant(row));
  if (open) return readRow(open, known);
  if (file) return readRow({ ...file, sha256: fields(sha256)[id] }, known);
  const isSought = Array.isArray(lookingUp) && lookingUp.includes(order.name);
  return { ...known, phase: isSought ? "looking" : "gone" };
}
