// Reads what the tools answered: where one save stands, in the terms of the view. Touches no document.
import { isPhase, type Save } from "./words.ts";

export type Fields = Record<string, unknown>;

export const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/** An empty object for what is no object. */
export const fields = (value: unknown): Fields => (isFields(value) ? value : {});

const MAX_PATH_CHARACTERS = 4_096;
/** Cluster names have at most 64; a longer one is cut, so that a false server cannot fill the page. */
export const MAX_NAME_CHARACTERS = 99;

/**
 * The server has cleaned its texts. Another one may answer in its name, so nothing here can hide, turn or flood the text beside
 * it. Empty for anything but a text.
 */
export const text = (value: unknown, maxCharacters = 999): string =>
  typeof value === "string" ? value.slice(0, maxCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ") : "";

/** Throws for what is no number of bytes, so that an answer of another form is not taken for zero. */
const count = (value: unknown): number =>
  typeof value === "number" && value >= 0 && value % 1 === 0 ? value : misfit();

function misfit(): never {
  throw new TypeError();
}
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : misfit());

/** Why a call failed; undefined for one that succeeded. */
export function failureOf({ isError, structuredContent }: Fields): string | undefined {
  return isError ? reasonOf(fields(structuredContent).error) : undefined;
}

/** Hints are left out: their words are for models. With an HTTP status that is no success, the words may be Atlas's. */
function reasonOf(given: unknown): string {
  const { detail, errorCode, error } = fields(given);
  const reason = text(detail ?? errorCode);
  return Number(error) > 299 ? `Atlas says: "${reason.replace(/"/g, "'")}"` : reason;
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
    totalBytes: count(row.totalBytes ?? 0),
    timeLeft: text(row.timeLeft),
    rate: "",
    path: text(row.path, MAX_PATH_CHARACTERS),
    sha256: text(row.sha256),
    isUnsound: row.sound === false,
    reason: reasonOf(row.lastError),
    claim: known?.claim ?? "",
  };
}

/** What the server adds to an answer for this view alone, where no model reads it. */
const aside = ({ _meta }: Fields) => fields(fields(_meta)["atlas-flex-snapshots/view"]);

/** The answer of `save_flex_snapshot`. */
export function readSave(result: Fields, known: Save): Save {
  const reason = failureOf(result);
  return reason === undefined
    ? { ...readRow(fields(result.structuredContent), known), claim: text(aside(result).ticket) }
    : { ...known, phase: "failed", reason };
}

/** The answer of `stop_saving_snapshot`. What had ended before stays as it is. */
export function readStop(result: Fields, known: Save): Save {
  const { state, bytes } = fields(result.structuredContent);
  const phase = state === "discarded" ? state : "paused";
  return state === "not-running" ? known : { ...known, phase, bytes: count(bytes), reason: "", rate: "", timeLeft: "" };
}

/**
 * What the answer of `list_saved_snapshots` says of one save: the one that is known, or that the server has found since the call
 * ended. Before either, one that runs for the ordered cluster is shown; its ids are not kept, since it may be another save.
 */
export function readList(result: Fields, order: Fields, known: Save): Save {
  const { transfers, files, truncated } = fields(result.structuredContent);
  const { sha256, rates, found, lookingUp } = aside(result);
  const id = known.snapshotId || text(order.snapshotId ?? fields(found)[known.claim]);
  if (!id && known.phase === "failed") return known;
  const wanted: Fields = { ...(known.snapshotId ? known : order), snapshotId: id };
  const isMeant = (row: Fields) =>
    ["snapshotId", "groupId", "name"].every((key) => !wanted[key] || wanted[key] === idsOf(row)[key]);
  // Without the snapshot's id, a part that stands still may be one of an older backup.
  const open = list(transfers).find(
    (row) => isMeant(row) && (id || !["paused", "elsewhere"].includes(text(row.state))),
  );
  const file = list(files).find((row) => id && isMeant(row));
  if (open) {
    const row = { ...readRow(open, known), rate: text(fields(rates)[text(idsOf(open).snapshotId)]) };
    return id ? row : { ...row, groupId: "", snapshotId: "" };
  }
  if (file) return readRow({ ...file, sha256: fields(sha256)[id] ?? known.sha256 }, known);
  if (truncated && known.phase === "complete") return known;
  const isSought = [lookingUp].flat().includes(order.name ?? 0);
  return { ...known, phase: isSought ? "looking" : "gone", bytes: 0, reason: "" };
}
