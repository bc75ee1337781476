import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pageOf, ROOT } from "./pages.ts";

/**
 * Each sentence, and below it the tests that fail when the sentence is no longer true: their file, and their title as the file
 * has it. A title that says too little alone follows that of its `describe`.
 */
const HELD = {
  "What is done": `
Credentials are sent only to the origin of \`MONGODB_ATLAS_BASE_URL\`, which must be https; http is accepted on loopback only.
  auth/sign.test.ts: a %s is never sent to any origin but the configured one
  config/network.test.ts: the base URL > %s is refused: only an https origin will do, or http on loopback
The log names this origin at the start, with a warning if it belongs neither to MongoDB nor to loopback.
  config/network.test.ts: the base URL > %s is accepted without a warning
  config/network.test.ts: the base URL > %s is accepted with a warning, since it receives the credentials
  tools/switches.test.ts: the log says once what is configured, and each call with its outcome and duration, and never a secret
Redirects of Atlas are never followed.
  http/transport.test.ts: a %i with a location is refused, not followed
  auth/token-failures.test.ts: %s at the token endpoint fails the call with a fitting error, nothing sent and no secret revealed
The file host gets no credentials.
  tools/credentials.test.ts: %s > never reaches the file host
  download/redirects.test.ts: a redirect of the file host > carries no header besides those of a request for the file
After it has read its settings, the server deletes the variables that may hold a secret from its environment: all with \`ATLAS\`, \`MONGODB\`, \`MDB\` or \`PROXY\` in their names, in any case and with any separators, except \`NO_PROXY\`.
  config/environment.test.ts: after reading > no variable is left that holds a secret or may hold one, however its name is spelt
  secrets/settings.test.ts: has left environment and reports after reading (NODE_USE_ENV_PROXY=%s)
Diagnostic reports of Node.js do not show these variables either.
  secrets/settings.test.ts: has left environment and reports after reading (NODE_USE_ENV_PROXY=%s)
When the server ends, it asks Atlas to revoke the access token that it fetched.
  faults/process-life.test.ts: $end > in the middle of a call ends the process cleanly and revokes its token
  faults/process-life.test.ts: a process that ends cleanly in spite of Atlas > revokes a token that arrives while it ends
Switches that restrict (\`ATLAS_FLEX_READ_ONLY\`, \`ATLAS_FLEX_HIDE_SNAPSHOT_URLS\`) are on for any text but a clear no.
  config/setting-text.test.ts: $name, which restricts, > counts as on for %j, with a warning
  config/setting-text.test.ts: $name, which restricts, > reads %j as %s
An unclear \`ATLAS_FLEX_SIMULATE\` stops every call.
  config/odd-settings.test.ts: the built server > refuses every call while %s leaves open whether to simulate
\`connect\` prints no secret; it prints the path of the secret's file, or makes the client ask.
  commands/connect.test.ts: no secret is printed for %s, wherever it stands, and the notes say what is missing
  commands/connect.test.ts: connect > VS Code asks for the secret, unless a file was chosen
Of a client's configuration, \`connect\` repeats only the path of a built file, the folders with an entry of their own, and names of settings.
  commands/connect-earlier.test.ts: a text that only ends in the file's name is not repeated, whatever it holds
  commands/connect-earlier.test.ts: what the earlier entry has and the new one lacks is named, without values
\`save_flex_snapshot\` puts no link into its answers, its progress or the log.
  secrets/links.test.ts: a save leaks no link into its answers, its progress, the log, its state or its record > %s after %j
  download/secrets.test.ts: no output quotes a link that cannot be used: %s
Links are never written to disk.
  secrets/links.test.ts: a link appears > in the answers of $of under $args, and nowhere else
  download/links.test.ts: a link > is remembered between calls and found again through its job after a restart, but never written to disk
\`--hide-snapshot-urls\` and \`--read-only\` replace every link by its host and expiry.
  tools/switches.test.ts: %s shows a link's host and expiry instead of the link
  secrets/links.test.ts: a link appears > in the answers of $of under $args, and nowhere else
A link must be https, carry no user name, and name its host instead of an IP address.
  download/host-policy.test.ts: a link is refused, with an error that names only its host > %s
The address of its host must be public; it is checked when the connection is made.
  download/host-policy.test.ts: names are resolved once and every address is checked > %s is refused
  download/file-request.test.ts: a name that resolves to an address that is not public is refused before any connection
A host with a private address must be named in \`ATLAS_FLEX_FILE_HOSTS\`, and so must an IP address in a link.
  download/host-policy.test.ts: a host that is named in ATLAS_FLEX_FILE_HOSTS may be private; a similar name may not
  download/host-policy.test.ts: a private address in a link is refused with the setting that allows it, and then opened
Link-local addresses and those of a cloud's own services, such as 169.254.169.254 and 168.63.129.16, are refused even then.
  download/host-policy.test.ts: %s is refused even where the user vouches for the host, and no setting is advised
  download/host-policy.test.ts: an address of a cloud's own services in a link is refused even where it is listed: %s
A link to \`localhost\` or a loopback address, for which http will do, is opened only if the base URL is on loopback too.
  server/runtime.test.ts: a link to loopback is opened only if the base URL is on loopback too
  download/host-policy.test.ts: a link is refused, with an error that names only its host > %s
Up to three redirects of a file host are followed, and each must pass the same checks.
  download/redirects.test.ts: a redirect of the file host > is followed three times in a row; the fourth costs no link, no job and no byte
  download/redirects.test.ts: a redirect of the file host > to %s is not followed
  download/redirects.test.ts: the refusal of a redirect > to a name with a private address says the same
No redirect leads from https to http, and none leads to a named host except from another named host.
  download/redirects.test.ts: a redirect $what is refused
  download/redirects.test.ts: a host of ATLAS_FLEX_FILE_HOSTS > is not reached by a redirect of any other host, and the hint names the setting: %s
  download/redirects.test.ts: a host of ATLAS_FLEX_FILE_HOSTS > on loopback neither, over real servers

Known secrets are removed from every answer built from Atlas's text and from every line of the log, except for a short password of a proxy (below).
  core/redact.test.ts: data that the program still uses loses only long secrets; \`removeWithLinks\` also removes the query of a link
  secrets/reflected.test.ts: credentials that Atlas repeats > stay secret (%s)
  core/logger.test.ts: an error is logged with its causes, cut and without secrets; only a Failure has no stack
They are recognised as they are, in base64 and base64url at any offset, in hexadecimal of one case, and under up to three layers of percent-encoding, references of HTML (numbers, and the names of ASCII) and escapes of JSON.
  core/redact.test.ts: a secret is removed %s
  core/redact.test.ts: within any base64, nothing of a secret stays but the bits that share a character with its neighbours
  core/redact.test.ts: every character of ASCII that has a name in HTML is recognised by that name
Links are recognised under the same three layers, and lose what may grant access: user name, password, query, fragment, and a path that may hold a token.
  core/redact.test.ts: %s is shown without what grants access
A client secret, private key or access token of less than 16 characters is not accepted, from the settings or from Atlas.
  config/credentials.test.ts: credentials > a value of %s that is too short or too long to be a secret is a problem, and its only one
  auth/token-failures.test.ts: %s at the token endpoint fails the call with a fitting error, nothing sent and no secret revealed
Secrets are removed before a text is cut, and after everything else is removed from it.
  core/redact.test.ts: a text to show is cut after its secrets are gone, however much of it is invisible
  core/redact.test.ts: nothing that is removed after the secrets can put one together
  commands/check/atlas.test.ts: a name is cut only after the short password of a proxy is gone from it
Control, bidirectional, zero-width and other invisible characters are removed from texts of Atlas, and so are combining marks without a letter or number.
  secrets/hostile.test.ts: of %s with %j, when it succeeds and when it fails
  core/text.test.ts: foreign text in a sentence > neither a backslash nor a mark without a letter changes how the closing quotation mark reads
Long texts of Atlas are cut; a link is whole or left out.
  core/text.test.ts: cleaning foreign text > text that is too long is cut at a whole character and marked
  tools/odd-answers.test.ts: a job with the longest links and texts stays below 64 KiB, with whole links only, and says what was left out
Atlas's own words in a sentence stand between quotation marks that they cannot close, after the words "Atlas says".
  core/text.test.ts: foreign text in a sentence > a %s in it cannot end the quotation
  tools/lists.test.ts: list_flex_clusters > reads five hundred projects, and one that cannot be read does not fail the call
  tools/saved-files.test.ts: a save that failed while no call waited for it is listed with its reason, which the next call gets
Advice (\`nextStep\`, \`hint\`, restore commands) consists only of our own words and validated values.
  secrets/hostile.test.ts: of %s with %j, when it succeeds and when it fails
  secrets/hostile.test.ts: hostile versions and times of a snapshot reach neither its file name nor its restore commands

Only a client that announces that it shows views gets any trace of the view, unless \`ATLAS_FLEX_VIEW\` turns it off.
  server/view.test.ts: a client of the %s era > %s gets the same bytes as one that announces nothing, without a trace of the view
  server/view.test.ts: a client that announces %s shows views: %s
The page names no address and loads nothing from outside.
  server/view.test.ts: the page > names no address and no file, and asks for nothing from outside
Its own policy allows its script and its style, by their hashes, and nothing else.
  server/view.test.ts: the page > allows its own script and style by their hashes, and nothing else
It shows every text as text, and never puts markup together.
  server/view.test.ts: the page > puts no markup together
It tells the model only ids, numbers and our own words.
  server/view.test.ts: the model is told ids, numbers and our own words, and nothing of what is not an id

On Linux and macOS a folder with permissions is used only if it is this user's, and neither everyone nor a group may write to it, with the sticky bit or without; the user's private group may.
  download/folder.test.ts: the download folder > is refused when it is %s, and nothing is asked for or written
  download/folder.test.ts: the download folder > may be writable by the user's private group
If others may write to a folder of this user, the refusal says which command mends that.
  download/folder.test.ts: the download folder > of mode %o, open to others, is refused with the command that mends it
A symbolic link to the folder is followed only if this user or root made it.
  download/ownership.test.ts: the folder may be a link of user %i, %s: %j
  download/folder.test.ts: the download folder > is refused when it is %s, and nothing is asked for or written
A save keeps to the target that the link had at its start.
  download/folder.test.ts: the download folder > that is a link keeps its target for the whole transfer, wherever the link leads meanwhile
A path that leads through a link of another user is refused.
  download/folder.test.ts: the download folder > is refused when a part of its path is another user's link (needs root)
Where other users may write to a folder above it, and so can move or replace the download folder, each save warns.
  download/folder.test.ts: the download folder > below a folder in which others may replace it is used with a warning that names that folder
A folder that is replaced or opened to others during a transfer gets no finished file.
  download/folder.test.ts: the download folder > is not written to when %s takes its place during the transfer
  download/folder.test.ts: the download folder > that is opened to everyone during the transfer gets no file
On Linux and macOS, records, states, locks, parts and archives of another user are not used, and they stay as they are.
  download/ownership.test.ts: is not taken for the snapshot, and stays, when %s belong to that user
  download/ownership.test.ts: a %s of another user is not continued, and stays
  download/ownership.test.ts: a file of another user under the name %s is named and stays, and nothing is requested from the file host
Links, pipes and folders under the names of these files are neither followed nor replaced.
  download/own-names.test.ts: %s of the user > under the name %s stays unchanged, and nothing is requested
  download/part.test.ts: a part > that has become %s is left alone
On Linux and macOS, files are created with mode 0600 and the folder with 0700; a file system without permissions does not keep these modes.
  download/ownership.test.ts: the folder has only files of mode 0600, also while a file is saved
  download/folder.test.ts: the download folder > is created with mode 0700, and only when something is saved
  download/folder.test.ts: may be on a file system without permissions whose files all belong to %s, with a warning
File names have a fixed form without folders.
  download/file-name.test.ts: any text is refused or names a direct child of the folder
No finished file and no file of somebody else is overwritten.
  download/part.test.ts: an existing file of the same name > stays unchanged when it appears during the transfer; saving under another name transfers nothing again
  download/crash.test.ts: an existing file of that name stays unchanged, even an empty one
  download/own-names.test.ts: the first gets the name and the second is refused
No tool deletes a finished file.
  commands/keep.test.ts: no tool of the server deletes a finished file, whatever it is asked
  import-direction.test.ts: only the command save asks for the deletion of finished files
Only the command \`save\` with the option \`--keep N\` does, once the save has ended with a sound file: of the sound files of this cluster it deletes those of all but the newest N backups, and never the one just saved.
  commands/keep.test.ts: save --keep 2 > deletes all older backups but the newest two, says which, and touches nothing else
  commands/keep.test.ts: save --keep 2 > leaves the older backup that it was told to save, beside the newest two
  commands/keep.test.ts: a save that fails deletes nothing
  commands/keep.test.ts: a save whose archive is incomplete deletes nothing
  download/keep-choice.test.ts: whatever is in the folder, only older sound files of the cluster go, and the ordered number of backups stays
A file whose record is missing, belongs to another user, or names another project or cluster, no id of the cluster or no finish time is never deleted.
  download/keep-choice.test.ts: a file %s is neither counted nor deleted
  download/keep-newest.test.ts: a file stays although it is old enough, > when its record says that it is %s
  download/keep-newest.test.ts: a file stays although it is old enough, > when %s belongs to another user
Neither is one that is incomplete, not recognised as a backup, simulated (by a save that is not), or not what was saved.
  download/keep-choice.test.ts: a file %s is neither counted nor deleted
  download/keep-choice.test.ts: a file whose size is not the recorded one > is neither counted nor deleted where it is older
  download/keep-newest.test.ts: a file stays although it is old enough, > where it was written to and is not what was saved any more
A file under a name that a person chose, such as a copy or a hard link, is not deleted, and neither is one whose backup finished more than an hour in the future.
  download/keep-choice.test.ts: a file under a name that a person chose, such as a copy, is neither counted nor deleted, even if it is changed
  download/keep-choice.test.ts: a file %s is neither counted nor deleted
  download/keep-newest.test.ts: copies and hard links under names that a person chose stay, with their records, and count for nothing
None of these files counts as one of the newest.
  download/keep-choice.test.ts: whatever is in the folder, only older sound files of the cluster go, and the ordered number of backups stays
If what was just saved is not recognised as a backup, nothing is deleted.
  commands/keep.test.ts: save --keep 2 > deletes nothing, exits with 1 and says so when what it saved is not recognised as a backup
  download/keep-nothing.test.ts: nothing is deleted > when what was just saved is not recognised as a backup, although older files are
Before anything is deleted, the files that stay are read.
  download/keep-newest.test.ts: what stays is read first, except the file that the save has just read
If one is damaged or has another size, nothing is deleted.
  commands/keep.test.ts: save --keep 2 > deletes nothing, exits with 1 and says what to do when the other backup that stays %s
  download/keep-nothing.test.ts: nothing is deleted > when a file that stays %s, however often one tries
Without \`--keep-unprotected\` nothing is deleted where other users may have put or replaced files: on a file system that keeps no owners, which an empty file shows that is created and removed, below a folder that others may write to, and on Windows outside the profile folder.
  commands/keep.test.ts: where the folder keeps no owners and shows mode %s, nothing is deleted without --keep-unprotected
  commands/keep.test.ts: below a folder that others may write to, nothing is deleted without --keep-unprotected
  download/keep-nothing.test.ts: nothing is deleted > on Windows outside the profile folder, unless that is ordered
Each file is deleted before its record and under the lock of its backup.
  download/keep-newest.test.ts: the older files go, the oldest first and each before its record, and nothing else changes
  download/keep-newest.test.ts: a file stays although it is old enough, > while another process holds the lock of its backup, and goes the next time
It stays if another process has that lock, or if the file was changed meanwhile.
  download/keep-newest.test.ts: a file stays although it is old enough, > while another process holds the lock of its backup, and goes the next time
  download/keep-newest.test.ts: a file stays although it is old enough, > when it is %s between choice and deletion
Folder and lock are confirmed once more before the deletion.
  download/keep-newest.test.ts: a file stays although it is old enough, > when another process takes its lock over while it is read
  download/keep-nothing.test.ts: nothing is deleted > when the folder is another one once an older file is read
A record that a crash has left without its file is deleted where its file would have been.
  download/keep-newest.test.ts: a record that a crash left without its file > is no backup, and goes where its file would have gone
  download/keep-newest.test.ts: a record that a crash left without its file > stays if its file is back by the time of the deletion
Each file that is deleted is named in the output, also when the command fails or is interrupted afterwards.
  commands/keep-ended.test.ts: interrupted while it deletes, it says what is saved and deleted, and ends as the signal asks
  download/keep-nothing.test.ts: when the system refuses > %s (%s), the report says what is gone and why no more is
A file gets its final name only after its length, if the file host named one, and the checksums of its gzip data were right.
  download/fault-matrix.test.ts: %s, where only a whole file gets its final name > %s: %s
  download/integrity/gzip.test.ts: a file is damaged: > every flipped bit of the data and the trailer
A part is continued only if the file host names the same strong validator (RFC 9110, section 8.8.1) as before.
  download/response-judge.test.ts: %s: asked %j, answered %i with %j, is judged %j
  download/response-judge.test.ts: a date is a validator only when it is a minute older than the response
With \`--read-only\` no file or folder changes, except by the empty file of the next sentences.
  tools/switches.test.ts: read-only > writes nothing to the disk, not even what a check found
On a file system without permissions (exFAT, NTFS, SMB, the drives of Windows in WSL) the check, the log and each save, list and verification say that the folder does not protect its files.
  download/folder.test.ts: may be on a file system without permissions whose files all belong to %s, with a warning
  commands/check/download-folder.test.ts: is a warning on a file system that keeps no permissions, and the check leaves nothing there
  tools/saved-files.test.ts: is not said to be what was saved where the file system keeps no permissions, and is restored elsewhere
  tools/saved-files.test.ts: that is incomplete is reported with the warning too
Of a file there, verification says only that it matches its record.
  tools/saved-files.test.ts: is not said to be what was saved where the file system keeps no permissions, and is restored elsewhere
To find out, the server creates an empty file in a folder that looks open to others, and removes it.
  tools/switches.test.ts: asks a folder that others may write to whether it keeps permissions, which leaves no file
On Windows they say so unless the folder is in the profile folder of the user, which other users cannot enter.
  download/folder.test.ts: on Windows may be outside the user's profile, with a warning of save, log and check, and inside without
  download/warnings.test.ts: on Windows, outside the user's profile, the list and the check of a file warn of the other users

An archive is unpacked only in memory, to check it, in a thread of its own and within limits.
  download/save.test.ts: a snapshot becomes a checked file with a record and leaves no other file
  download/integrity/archive-check.test.ts: the thread does not get the environment, which may hold secrets
  download/integrity/gzip.test.ts: a 1000:1 bomb is unpacked only up to the largest ratio, and hashed to its end
  download/integrity/gzip.test.ts: an archive that unpacks to more than the largest size is damaged
Names from inside it are never shown.
  download/secrets.test.ts: no output contains a link or a name from inside an archive, whatever goes wrong
  download/integrity/contents.test.ts: a report contains no name from inside the archive
On Linux and macOS the printed commands unpack into a folder of mode 0700, and \`mongod\` listens on no port, only on a Unix socket in a folder that no other user can enter.
  download/restore-guide.test.ts: run by a shell, the commands > serve the data through a socket that no other user can reach, also for %s
  download/restore-guide.test.ts: a dump directory is unpacked and restored
The archive is unpacked into a folder of its own inside that one.
  download/restore-guide.test.ts: run by a shell, the commands > keep the data in a folder beside its copy and the socket, where no other user can enter
  download/restore-guide.test.ts: a dump directory is unpacked and restored
It cannot replace the socket or the copy, and the mode and owner that it gives its root folder let nobody in.
  download/restore-guide.test.ts: everything unpacked belongs to the reader, in a folder that only the reader can enter
  download/restore-guide.test.ts: no other user reads or writes the files (needs root on Linux, to be several users)
What root unpacks belongs to root.
  download/restore-guide.test.ts: everything unpacked belongs to the reader, in a folder that only the reader can enter
On a file system without permissions the commands unpack and serve in a new folder under \`/var/tmp\`, whose name cannot be guessed.
  download/restore-guide.test.ts: the commands unpack and serve %s elsewhere, where no other user can enter
  download/restore-guide.test.ts: the place is the same in each answer, one for each file, and cannot be guessed
  tools/saved-files.test.ts: is not said to be what was saved where the file system keeps no permissions, and is restored elsewhere
On Windows \`mongod\` listens on 127.0.0.1, and the advice says that every other user of the computer can read the data meanwhile.
  download/restore-guide.test.ts: on Windows is quoted for the shells of Windows, and served to every user
  tools/saved-files.test.ts: where there are no Unix sockets, the advice warns of the other users

Answers of Atlas are limited in size, and no call runs longer than 50 seconds, or ten seconds after \`ATLAS_FLEX_MAX_WAIT_SECONDS\` where that is longer.
  http/transport.test.ts: an endless answer is cut off at the limit
  faults/hanging.test.ts: $row > ends every call in time
A request leaves at most one download job behind, whatever becomes of its connection.
  tools/safe-request.test.ts: ends with the one job it created (%s)
  tools/safe-request.test.ts: creates one job for a client that cancels every call before the request is answered
After two failed jobs of a snapshot within an hour, saving requests no other until the hour has passed.
  server/snapshot-source.test.ts: is replaced once; after the second one no other is requested until an hour has passed
Requests of an MCP client with an id or a progress token above 1 kB are refused.
  protocol/read-message.test.ts: %s is refused
The server starts no other program.
  import-direction.test.ts: no source file starts another process
  packaging/npm-package.test.ts: no file of it imports a module that starts programs
The built package installs no dependencies.
  packaging/npm-package.test.ts: it installs without a network as exactly one package that runs no script
`,
  // Of a table, each row counts as a sentence.
  "What is written to disk": `
download folder (\`atlas-flex-snapshots\` in the home folder) | everything below; on Linux and macOS the folder with mode 0700 and the files with 0600, except where the file system keeps no modes (exFAT, NTFS, SMB)
  commands/check/download-folder.test.ts: is said to be the default when its option and its variable are left blank
  download/folder.test.ts: the download folder > is created with mode 0700, and only when something is saved
  download/folder.test.ts: may be on a file system without permissions whose files all belong to %s, with a warning
  download/ownership.test.ts: the folder has only files of mode 0600, also while a file is saved
\`NAME.tgz\` | a finished backup
  download/save.test.ts: a snapshot becomes a checked file with a record and leaves no other file
\`NAME.tgz.json\` | its record: ids, cluster, times, version, size, ETag, checksum, what the check found; a later check that finds something else adds that
  download/save.test.ts: a snapshot becomes a checked file with a record and leaves no other file
  download/soundness.test.ts: is corrected by the next check of the file
\`NAME.tgz.part\`, \`NAME.tgz.part.json\` | an unfinished transfer, and what is needed to continue it: ids, sizes, ETag, expiry, which process has it open; never the link
  download/own-names.test.ts: docs/security.md lists every name that a save gives to a file, and no other
  secrets/links.test.ts: a save leaks no link into its answers, its progress, the log, its state or its record > %s after %j
\`NAME.tgz.lock\`, \`PROJECT-SNAPSHOT.lock\` (their ids) | which process writes the part
  download/own-names.test.ts: docs/security.md lists every name that a save gives to a file, and no other
one of these names followed by \`.tmp\`, eight hexadecimal digits or \`.unreadable\` | a temporary file, while the server replaces a file or removes a dead lock
  download/own-names.test.ts: docs/security.md lists every name that a save gives to a file, and no other
\`.probe-\` and sixteen hexadecimal digits, perhaps with -2 after them | an empty file, on Windows in a check also an empty folder, with which the server asks what may be done there
  download/own-names.test.ts: docs/security.md lists every name that a save gives to a file, and no other
The log goes to standard error; the client decides where it is kept.
  tools/switches.test.ts: the log says once what is configured, and each call with its outcome and duration, and never a secret
`,
};

interface Held {
  sentence: string;
  tests: string[];
}

function heldIn(table: string): Held[] {
  const held: Held[] = [];
  for (const line of table.split("\n").filter(Boolean)) {
    if (line.startsWith("  ")) held.at(-1)?.tests.push(line.trim());
    else held.push({ sentence: line, tests: [] });
  }
  return held;
}

/** The sentences of the list items of a section, else its table rows and paragraphs, without their line breaks. */
function sentencesOf(heading: string): string[] {
  const [, section = ""] = pageOf("docs/security.md").text.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  const items = text.match(/^- .*(?:\n {2}.*)*/gm)?.map((item) => item.slice(2).replace(/\n */g, " "));
  if (items) return items.flatMap((item) => item.split(/(?<=\.) (?=[A-Z`])/));
  const [, , ...lines] = text.split("\n").filter(Boolean);
  return lines.map((line) => line.replace(/^\| (.*) \|$/, "$1"));
}

/** Whether the file has the titles, the second within the first, each as the title of a `describe` or `test`. */
function hasTest(test: string): boolean {
  const [, file = "", title = ""] = /^(\S+?): (.*)$/.exec(test) ?? [];
  let code = readFileSync(join(ROOT, "test", file), "utf8");
  return title.split(" > ").every((part) => {
    const found = [JSON.stringify(part), `'${part}'`, `\`${part}\``]
      .map((literal) => code.indexOf(`${literal},`))
      .find((at) => at >= 0 && /(?:\b(?:test|describe)(?:\.\w+)*|\))\(\s*$/.test(code.slice(0, at)));
    const [within = ""] = code.slice(found).split("\n});");
    code = within;
    return found !== undefined;
  });
}

describe.each(Object.entries(HELD))("%s", (heading, table) => {
  test("has the sentences of docs/security.md, each with a test", () => {
    const held = heldIn(table);
    expect(held.map(({ sentence }) => sentence)).toEqual(sentencesOf(heading));
    expect(held.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  test("names only tests that exist and that `npm test` runs", () => {
    const tests = heldIn(table).flatMap(({ tests }) => tests);
    expect(tests.filter((test) => test.includes(".long.test.ts:") || !hasTest(test))).toEqual([]);
  });
});
