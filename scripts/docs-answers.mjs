// What the fields of the tools' answers mean, for docs/tools.md. Not in the schemas themselves: every client would load it.

/** By the field's path; `[]` is an entry of a list. Where it says `{fields}`, the fields within are named there, without rows. */
const MEANINGS = {
  // list_flex_clusters
  projects: "The projects that have Flex clusters.",
  "projects[].groupId": "Project id, which the other tools ask for.",
  "projects[].projectName": "As Atlas calls it.",
  "projects[].clusters": "Each with {fields}. Without connection strings.",
  projectsWithoutFlexClusters: "How many projects were looked at and have none.",
  unreadable: "Projects that could not be read, and why: {fields}.",

  // list_flex_snapshots
  now: "Time of this computer, to which `ageHours` refers.",
  latestCompleteSnapshotId: "The one to save when the latest backup is wanted; absent when none is complete.",
  snapshots: "Newest first.",
  "snapshots[].id": "The `snapshotId` of other tools.",
  "snapshots[].status":
    "Of Atlas: `PENDING`, `QUEUED`, `RUNNING`, `COMPLETED` or `FAILED`. Only a complete one can be saved.",
  "snapshots[].mongoDBVersion": "Version of the cluster then; a restore needs the same major version.",
  "snapshots[].scheduledTime": "When Atlas planned it.",
  "snapshots[].startTime": "When Atlas began.",
  "snapshots[].finishTime": "When it was complete.",
  "snapshots[].expiration": "When Atlas deletes it.",
  "snapshots[].ageHours": "Hours since it was complete.",

  // save_flex_snapshot and verify_saved_snapshot
  "save_flex_snapshot:state":
    "`queued`: waits, since two transfers run at once. `requesting`: looks the snapshot up and gets a link. `downloading`. `verifying`: all bytes are there, their check goes on. `complete`: the file is whole and has its name. `paused`: nothing runs, the part is kept, `lastError` says why; the same call continues.",
  "verify_saved_snapshot:state": "`verifying`: the check goes on; call again. `complete`: `integrity` has the outcome.",
  fileName: "Name in the download folder.",
  "save_flex_snapshot:fileName": "Name in the download folder; absent until the snapshot has been looked up.",
  path: "Absolute path of the file; while it is not complete, of what it will be.",
  bytes: "Bytes on disk; all of them once complete.",
  sha256: "Of the whole file, computed here, once it was read to its end.",
  integrity: "The outcome of the checks.",
  "integrity.gzip":
    "`ok`: the checksum (CRC-32) and length within the gzip file are right, up to its last byte. `damaged` otherwise.",
  "integrity.length": "`ok`: as many bytes as the host announced. `wrong`: not so many. `unknown`: it announced none.",
  "integrity.md5":
    "`ok` or `wrong`: the host's ETag is the MD5 of the file, or is not. `not-verifiable`: the ETag is no MD5, as for objects that were uploaded in parts or encrypted. That is no fault; gzip's checksum and length stand for the file.",
  "integrity.recordedSha256":
    "Only from `verify_saved_snapshot`. `ok`: the file is the one that was saved, byte for byte. `wrong`: it was changed. `unrecorded`: no record lies beside it, so there is nothing to compare with.",
  "integrity.notes": "What is damaged and where, or what else is remarkable.",
  contents: "What is inside, as counts; names in the archive never come out.",
  "contents.kind":
    "`data-directory`: the files of a `mongod`. `dump-directory`: what `mongodump` writes into a folder. `mongodump-archive`: what `mongodump --archive` writes. `unknown`: none of these.",
  "contents.files": "Files in the tar; absent for an archive that is no tar.",
  "contents.collections": "Collections, as far as file names tell.",
  "contents.unpackedBytes": "Bytes after decompression.",
  restore:
    "How to restore it on this computer ([explained](restore.md)); only for a file that is whole and recognised.",
  "restore.kind": "As `contents.kind`.",
  "restore.needs": "Programs to install, with version.",
  "restore.commands": "Commands for this operating system, in order, with quoted absolute paths.",
  totalBytes: "As the host announced.",
  bytesPerSecond: "Present speed.",
  secondsLeft: "At the present speed.",
  resumedFromBytes: "How much was on disk from an earlier attempt when this one began.",
  interruptions: "How often the connection broke in this run and the transfer went on where it stopped.",
  lastError: "Why a transfer stands still: {fields}, as in a failure.",
  warnings: "Such as: had to start over, or will outlive its link.",
  checkedBytes: "Bytes read so far.",

  // list_saved_snapshots
  directory: "The download folder.",
  files: "Files that are whole under their final name, newest first.",
  "files[].fileName": "The argument of `verify_saved_snapshot`.",
  "files[].path": "Absolute.",
  "files[].bytes": "Size of the file.",
  "files[].state":
    "`complete`: saved and checked by this server. `changed`: written to since it was saved, as a copy or a backup tool does too; verifying tells whether it still is what was saved. `unrecorded`: no record that fits lies beside it, since something else put it there.",
  "files[].groupId": "From the record, as are the others below.",
  "files[].name": "Cluster.",
  "files[].snapshotId": "Snapshot.",
  "files[].finishTime": "When Atlas had finished the snapshot.",
  "files[].mongoDBVersion": "Version of the cluster then.",
  "files[].sha256": "Of the file when it was saved.",
  "files[].kind": "As `contents.kind` of `save_flex_snapshot`.",
  "files[].savedAt": "When it got its name.",
  transfers: "What is not complete.",
  "transfers[].state":
    "As `state` of `save_flex_snapshot`, or `elsewhere`: another process, such as a second client's server, saves it.",
  "transfers[].fileName": "The name that it will have.",
  "transfers[].bytes": "Bytes on disk.",
  "transfers[].totalBytes": "As the host announced.",
  "transfers[].percent": "Share of it.",
  "transfers[].continueWith": "Arguments of `save_flex_snapshot` to follow or continue it: {fields}.",
  "transfers[].lastError": "Why it stands still: {fields}.",
  truncated: "`true`: there is more than is shown.",
  freeBytes: "What may still be written to the disk of the folder, as far as it tells.",

  // jobs
  httpStatus: "Status of Atlas's answer, the wrapped one where there is an envelope.",
  restoreJob: "The job in Atlas's own fields, each only if Atlas sent it: {fields}.",
  restoreJobs: "Newest first, each with {fields}.",
  finished: "`true`: nothing more will happen, in success or failure, or the link is there.",
  linkHost: "Host of the link, in place of the link, when links are hidden.",
  linkExpiresAt: "The earlier of Atlas's expiry and four hours after the request; downloads only.",
  linkExpiresInSeconds: "The same from now on.",
  pollAfterSeconds: "When to ask again; absent once finished.",
};

/** In every answer, and said once at the head of the page. */
const EVERYWHERE = ["nextStep", "simulated", "error"];

const within = (schema) => (schema.type === "array" ? schema.items : schema);

function formOf({ type, items }) {
  const one = { string: "text", number: "number", boolean: "`true` or `false`", object: "object" };
  return type === "array" ? `list of ${one[items.type] ?? items.type}s` : (one[type] ?? type);
}

/**
 * One row for each field of a tool's answer: path, form, whether it is always there, meaning. A field without meaning throws,
 * and so does, at the end, a meaning without field: `unusedMeanings`.
 */
export function answerRows(tool, schema) {
  const [success] = schema.anyOf;
  return rowsOf(tool, { ...schema, required: success.required }, "");
}

const used = new Set();
export const unusedMeanings = () => Object.keys(MEANINGS).filter((key) => !used.has(key));

function meaningOf(tool, path) {
  const key = [`${tool}:${path}`, path].find((candidate) => Object.hasOwn(MEANINGS, candidate));
  if (key === undefined) throw new Error(`scripts/docs-answers.mjs does not say what ${path} of ${tool} means.`);
  used.add(key);
  return MEANINGS[key];
}

function rowsOf(tool, { properties, required = [] }, prefix) {
  return Object.entries(properties)
    .filter(([name]) => prefix !== "" || !EVERYWHERE.includes(name))
    .flatMap(([name, schema]) => {
      const path = `${prefix}${name}`;
      const meaning = meaningOf(tool, path);
      const inner = within(schema).properties ?? {};
      const names = Object.keys(inner).map((field) => `\`${field}\``);
      const row = [
        `\`${path}\``,
        formOf(schema),
        required.includes(name) ? "yes" : "no",
        meaning.replace("{fields}", names.join(", ")),
      ];
      if (names.length === 0 || meaning.includes("{fields}")) return [row];
      return [row, ...rowsOf(tool, within(schema), `${path}${schema.type === "array" ? "[]" : ""}.`)];
    });
}
