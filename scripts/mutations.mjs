// The mutations: each breaks one promise, and names the tests that must notice it. `find` must occur exactly once in its file.
const SAFE_REQUEST = "test/tools/safe-request.test.ts";
const FAULT_ROWS = "test/download/fault-matrix.test.ts";
const LIFE = "test/faults/process-life.test.ts";
const QUOTED = "test/secrets/quoted.test.ts";

const edit = (file, find, replace) => ({ file, find, replace });

export const MUTATIONS = [
  {
    claim: "repeat the download request after a reset",
    edits: [
      edit("src/http/retry.ts", 'return passing && (method === "GET" || neverSent(failure));', "return passing;"),
    ],
    tests: [SAFE_REQUEST],
    only: "ends with the one job it created \\(reset-after\\)",
  },
  {
    claim: "repeat the download request after a 503",
    edits: [
      edit(
        "src/http/retry.ts",
        'return method === "GET" ? REPEATABLE_STATUSES.has(status) : status === 429;',
        "return REPEATABLE_STATUSES.has(status);",
      ),
    ],
    tests: ["test/faults/every-status.test.ts"],
    only: "the request is not repeated",
  },
  {
    claim: "accept any older job of the snapshot as the result",
    edits: [edit("src/atlas/request-download.ts", 'Date.parse(restoreScheduledDate ?? "") >= since', "since > 0")],
    tests: [SAFE_REQUEST],
    only: "not mistaken for an older job",
  },
  {
    claim: "forget which jobs are known",
    edits: [edit("src/atlas/request-download.ts", ' && !knownJobs.has(job.id ?? "")', "")],
    tests: [SAFE_REQUEST],
    only: "the request right before it",
  },
  {
    claim: "fetch a token for each of two calls at once",
    edits: [edit("src/auth/service-account.ts", "fetching ??= renew()", "fetching = renew()")],
    tests: ["test/tools/credentials.test.ts"],
    only: "fetched once for fifty calls",
  },
  {
    claim: "fetch a new token on every 401",
    edits: [edit("src/auth/service-account.ts", "if (isWithin(replacedAt, REPLACE_EVERY_MS)) return false;", "")],
    tests: ["test/auth/service-account.test.ts"],
    only: "at most once a minute",
  },
  {
    claim: "treat a missing role as rejected credentials",
    edits: [edit("src/auth/signer.ts", "status === 401 && !NOT_AUTHORIZED", "status === 401 || NOT_AUTHORIZED")],
    tests: ["test/tools/credentials.test.ts"],
    only: "fifty calls that lack a role",
  },
  {
    claim: "do not revoke the token at the end",
    edits: [
      edit(
        "src/auth/service-account.ts",
        'if (held) await post("/api/oauth/revoke", { token: held.value, token_type_hint: "access_token" }, limits);',
        "",
      ),
    ],
    tests: [LIFE],
    only: "SIGTERM",
  },
  {
    claim: "have no handler for the end of the input",
    edits: [
      edit(
        "src/protocol/lifecycle.ts",
        'for (const event of ["end", "close", "error"]) stdin.on(event, () => end("input-ended"));',
        "",
      ),
    ],
    tests: [LIFE],
    only: "the end of its input",
  },
  {
    claim: "end twice when closing the server ends it again",
    edits: [edit("src/protocol/lifecycle.ts", "Promise.resolve().then(() => finish(reason))", "finish(reason)")],
    tests: [LIFE],
    only: "SIGHUP",
  },
  {
    claim: "let a cancelled call go on polling",
    edits: [
      edit(
        "src/tools/get-restore-job.ts",
        "await clock.sleep(Math.min(POLL_MS, leftMs()), signal);",
        "await clock.sleep(Math.min(POLL_MS, leftMs()), new AbortController().signal);",
      ),
      edit(
        "src/tools/get-restore-job.ts",
        "{ ...context, deadline });",
        "{ ...context, deadline, signal: new AbortController().signal });",
      ),
    ],
    tests: ["test/tools/mission-tools.test.ts"],
    only: "a cancelled wait",
  },
  {
    claim: "let calls take ten minutes",
    edits: [edit("src/server/server.ts", "const LAST_LOOK_MS = ", "const LAST_LOOK_MS = 100 * ")],
    tests: ["test/faults/hanging.test.ts"],
    only: "hang",
  },
  {
    claim: "pass on the runtime's own error message",
    edits: [
      edit("src/http/dispatchers.ts", "{ detail: `The connection to ", "{ detail: String(cause) + `The connection to "),
    ],
    tests: ["test/faults/credential-faults.test.ts"],
    only: "token reset-after",
  },
  {
    claim: "no longer scrub the code of a refusal",
    edits: [edit("src/atlas/client.ts", "code !== undefined && shown(code) === code", "code !== undefined")],
    tests: [QUOTED],
    only: "MY_ACCESS_TOKEN_1",
  },
  {
    claim: "let Atlas's words stand in a failure like our own",
    edits: [edit("src/server/server.ts", 'texts.length > 0 ? says("Atlas", ...texts) : ""', 'texts.join(" ")')],
    tests: [QUOTED],
    only: "an instruction in every text",
  },
  {
    claim: "let Atlas's words stand in a line of check like our own",
    edits: [edit("src/core/errors.ts", 'detail : says("Atlas", detail);', "detail : detail;")],
    tests: [QUOTED],
    only: "`check` quotes",
  },
  {
    claim: "let Atlas's words stand in the reason of a stopped save like our own",
    edits: [edit("src/tools/file-view.ts", "detail: detailOf(envelope),", "detail: envelope.detail,")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "failed while no call waited",
  },
  {
    claim: "let Atlas's words stand in an unreadable project like our own",
    edits: [
      edit("src/tools/list-flex-clusters.ts", "detailOf(envelope) ?? unexplained", "envelope.detail ?? unexplained"),
    ],
    tests: ["test/tools/lists.test.ts"],
    only: "reads five hundred projects",
  },
  {
    claim: "name a time to wait where waiting is no use",
    edits: [edit("src/core/errors.ts", "|| !envelope.retryable ", "")],
    tests: ["test/atlas/hints.test.ts"],
  },
  {
    claim: "name a second time to wait",
    edits: [edit("src/core/errors.ts", "hint: envelope.hint.replace(USUAL_WAIT, wait)", "hint: envelope.hint")],
    tests: ["test/atlas/hints.test.ts"],
  },
  {
    claim: "let the name of a project stand in a line of check like our own",
    edits: [edit("src/commands/check/atlas.ts", "{quoted(name)} (", "{name} (")],
    tests: [QUOTED],
    only: "`check` quotes",
  },
  {
    claim: "let a quotation end itself",
    edits: [edit("src/core/text.ts", '.replace(QUOTATION_MARKS, "\'")', "")],
    tests: [QUOTED],
    only: "an instruction in every text",
  },
  {
    claim: "let a record speak as this server",
    edits: [edit("src/download/folder/records.ts", 'says("The record", QUOTED_NOTE.exec(note)?.[1] ?? note)', "note")],
    tests: [QUOTED],
    only: "notes in a record",
  },
  {
    claim: "show the name of an argument unquoted",
    edits: [edit("src/tools/arguments.ts", "title: quoted(name)", "title: name")],
    tests: [QUOTED],
    only: "an argument's name",
  },
  {
    claim: "take an id that was lost for the latest backup",
    edits: [
      edit("src/tools/arguments.ts", '(value === "" && !TRAITS.get(withoutOptional(schema))?.isId)', 'value === ""'),
    ],
    tests: ["test/tools/tolerant-input.test.ts"],
    only: "an empty id does not",
  },
  {
    claim: "take words for a switch",
    edits: [
      edit(
        "src/tools/stop-saving-snapshot.ts",
        'discard: z.boolean({ error: "must be true or false" })',
        "discard: z.coerce.boolean()",
      ),
    ],
    tests: ["test/tools/tolerant-input.test.ts"],
    only: "a switch must be true or false",
  },
  {
    claim: "name tools that are not offered",
    edits: [edit("src/server/server.ts", "isOffered(name) ? sentence : otherwise", "sentence")],
    tests: ["test/tools/bad-input.test.ts"],
    only: "names no other tool",
  },
  {
    claim: "pass on any code of Atlas",
    edits: [edit("src/atlas/hints.ts", "ATLAS_CODE.test(text) && ", "")],
    tests: [QUOTED],
    only: "a code that is none",
  },
  {
    claim: "let Atlas use this server's own codes",
    edits: [edit("src/atlas/hints.ts", " && !isOwnCode(text)", "")],
    tests: [QUOTED],
    only: "JOB_FAILED",
  },
  {
    claim: "name any Content-Encoding of a file host",
    edits: [
      edit("src/download/transfer/response-judge.ts", "NAMED_CODINGS.includes(coding) ? coding", "true ? coding"),
    ],
    tests: [QUOTED],
    only: "an unknown coding",
  },
  {
    claim: "look for secrets only as they are written",
    edits: [edit("src/core/redact.ts", "[...secretsIn(layers, forms), ...accessIn(layers)]", "accessIn(layers)")],
    tests: ["test/core/redact.test.ts"],
    only: "with every octet percent-encoded",
  },
  {
    claim: "cut a name before the short password of a proxy is gone from it",
    edits: [edit("src/atlas/access.ts", "text.length > MAX_TEXT_CHARACTERS ? scrub(text) : ", "")],
    tests: ["test/commands/check/atlas.test.ts"],
    only: "short password of a proxy",
  },
  {
    claim: "accept a token that may be a word",
    edits: [edit("src/auth/service-account.ts", ".min(MIN_ATLAS_SECRET_CHARACTERS)", "")],
    tests: ["test/auth/token-failures.test.ts"],
    only: "may be a word",
  },
  {
    claim: "take a text for a link",
    edits: [
      edit("src/atlas/model.ts", "/^[a-z][a-z0-9+.-]*:\\/\\/[!-~]+$/i", "/^[!-~]+$/i"),
      edit("src/atlas/model.ts", ".refine((text) => URL.canParse(text))", ""),
    ],
    tests: ["test/tools/odd-answers.test.ts"],
    only: "is no link",
  },
  {
    claim: "pass on links of any number and size",
    edits: [edit("src/atlas/model.ts", "parsed.length <= room", "true")],
    tests: ["test/tools/odd-answers.test.ts"],
    only: "below 64 KiB",
  },
  {
    claim: "call a file with another checksum what the host sent",
    edits: [edit("src/tools/verify-saved-snapshot.ts", ' || md5 === "wrong")', ")")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "not what the host announced",
  },
  {
    claim: "list what a final failure left without its reason",
    edits: [edit("src/download/store.ts", " ?? snapshots.get(keyOf(transfer.identity))?.ended", "")],
    tests: ["test/download/listing.test.ts"],
    only: "a final failure left",
  },
  {
    claim: "look for links only as they are written",
    edits: [
      edit("src/core/redact.ts", "[...secretsIn(layers, forms), ...accessIn(layers)]", "secretsIn(layers, forms)"),
    ],
    tests: ["test/core/redact.test.ts"],
    only: "a link with escapes of JSON",
  },
  {
    claim: "leave what escapes of the last layer hide",
    edits: [edit("src/core/escapes.ts", "layer <= MAX_LAYERS", "layer < MAX_LAYERS")],
    tests: ["test/core/redact.test.ts"],
    only: "under three layers",
  },
  {
    claim: "leave marks that stand on no letter",
    edits: [edit("src/core/text.ts", '.replace(LOOSE_MARKS, "")', "")],
    tests: ["test/core/text.test.ts"],
    only: "quotation marks apart",
  },
  {
    claim: "put a text on one line only after its secrets are gone",
    edits: [edit("src/core/redact.ts", "withoutLinks(oneLine(text), all)", "withoutLinks(visible(text), all)")],
    tests: ["test/core/redact.test.ts"],
    only: "can put one together",
  },
  {
    claim: "look for secrets before invisible characters are gone",
    edits: [
      edit(
        "src/core/redact.ts",
        "scrub: (text) => withoutLinks(visible(text), all)",
        "scrub: (text) => withoutLinks(text, all)",
      ),
    ],
    tests: ["test/core/redact.test.ts"],
    only: "log lines lose what is invisible",
  },
  {
    claim: "print what undici would print under NODE_DEBUG",
    edits: [
      edit(
        "scripts/bundle.mjs",
        "hasSubscribers: false, publish() {}",
        "hasSubscribers: true, publish(event) { if (process.env.NODE_DEBUG) console.error(event.request?.path); }",
      ),
    ],
    tests: ["test/secrets/node-debug.test.ts"],
    only: "undici",
  },
  {
    claim: "print the bytes that Node.js receives under NODE_DEBUG",
    edits: [edit("src/protocol/lifecycle.ts", 'text.replace(BYTES, "<Buffer>")', "text")],
    tests: ["test/secrets/node-debug.test.ts"],
    only: "first bytes",
  },
  {
    claim: "accept ids of any length",
    edits: [
      edit(
        "src/protocol/read-message.ts",
        "return value.length <= MAX_ID_BYTES && Buffer.byteLength(JSON.stringify(value)) <= MAX_ID_BYTES;",
        "return true;",
      ),
    ],
    tests: ["test/protocol/read-message.test.ts"],
    only: "an id of 1,025 bytes",
  },
  {
    claim: "keep everything that came with a waiting call",
    edits: [edit("src/protocol/requests.ts", 'method === "tools/call" ? onlyWhatIsRead(request) : request', "request")],
    tests: [LIFE],
    only: "in the unknown parameter",
  },
  {
    claim: "advise to wait for what will not pass",
    edits: [
      edit(
        "src/core/own-errors.ts",
        "If its job has no link either, ask MongoDB support.",
        "Or call again in four hours.",
      ),
    ],
    tests: ["test/atlas/hints.test.ts"],
    only: "advice to repeat a call",
  },
  {
    claim: "show links although they are hidden",
    edits: [edit("src/tools/job-view.ts", "const links = hideSnapshotUrls ? {} : {", "const links = {")],
    tests: ["test/secrets/links.test.ts"],
    only: "hide-snapshot-urls",
  },
  {
    claim: "leave invisible characters in what Atlas says",
    edits: [edit("src/core/text.ts", '.replace(ALL_INVISIBLE, "")', "")],
    tests: ["test/secrets/hostile.test.ts"],
    only: "list_flex_snapshots",
  },
  {
    claim: "make a path of a cluster's name whatever its form",
    edits: [edit("src/atlas/backups.ts", "if (!isClusterName(name))", "if (!name)")],
    tests: ["test/tools/backup-overview.test.ts"],
    only: "whose name could change the path",
  },
  {
    claim: "take a file that is not sound for a backup on this computer",
    edits: [edit("src/tools/backup-overview.ts", "identity && sound ?", "identity ?")],
    tests: ["test/tools/backup-overview.test.ts"],
    only: "that is not sound",
  },
  {
    claim: "say that all clusters are backed up although a project could not be read",
    edits: [edit("src/tools/list-flex-clusters.ts", "failed.length === 0 && looked.length", "looked.length")],
    tests: ["test/tools/backup-overview.test.ts"],
    only: "does not claim anything",
  },
  {
    claim: "call a cluster's backups all right when the newest failed",
    edits: [edit("src/atlas/backups.ts", "newest &&\n      isFailed(newest) &&", "false &&")],
    tests: ["test/tools/backup-overview.test.ts"],
    only: "a newest backup that failed",
  },
  {
    claim: "pass on fields that are not documented",
    edits: [
      edit("src/atlas/model.ts", "export const Snapshot = z.object({", "export const Snapshot = z.looseObject({"),
      edit(
        "src/tools/list-flex-snapshots.ts",
        "z.array(\n        z.strictObject({",
        "z.array(\n        z.looseObject({",
      ),
      edit("src/tools/list-flex-snapshots.ts", "  id: snapshot.id,", "  ...snapshot,"),
    ],
    tests: ["test/secrets/unexpected-fields.test.ts"],
    only: "list_flex_snapshots",
  },
  {
    claim: "log the signature of a link",
    edits: [
      edit(
        "src/download/transfer/transfer.ts",
        'log({ event: "file-host-answered", host: nameOf(url),',
        'log({ event: "file-host-answered", host: String(url.searchParams.get("X-Amz-Signature")),',
      ),
    ],
    tests: ["test/secrets/links.test.ts"],
    only: "complete after",
  },
  {
    claim: "drop If-Range",
    edits: [edit("src/download/transfer/file-request.ts", ', "if-range": range.validator', "")],
    tests: [FAULT_ROWS],
    only: "the file changed meanwhile",
  },
  {
    claim: "ignore the ETag",
    edits: [edit("src/download/transfer/response-judge.ts", "if (etag === asked.etag)", "if (true)")],
    tests: [FAULT_ROWS],
    only: "206 with another ETag",
  },
  {
    claim: "follow a redirect to anywhere",
    edits: [edit("src/download/transfer/transfer.ts", "checkRedirect(url, outcome.to, transfer.policy)", "outcome.to")],
    tests: ["test/download/redirects.test.ts"],
    only: "to a private address is not followed",
  },
  {
    claim: "give up the part for one odd answer",
    edits: [edit("src/download/transfer/transfer.ts", "doubts > 1", "doubts > 0")],
    tests: [FAULT_ROWS],
    only: "206 with another ETag, once",
  },
  {
    claim: "append the body of a 200 to the part",
    edits: [edit("src/download/transfer/receive.ts", "await watch.excuse(copy.startOver(unproven));", "")],
    tests: [FAULT_ROWS],
    only: "200 instead of 206",
  },
  {
    claim: "ignore how many bytes were written",
    edits: [edit("src/download/folder/part.ts", "rest = withoutFirst(rest, bytesWritten);", "rest = [];")],
    tests: ["test/download/part-writer.test.ts"],
  },
  {
    claim: "terminate the thread of a check from outside",
    edits: [edit("src/download/integrity/archive-check.ts", 'send({ type: "stop" });', "await worker.terminate();")],
    tests: ["test/download/integrity/archive-check.test.ts"],
  },
  {
    claim: "call a file sound whose end nothing proves",
    edits: [edit("src/download/integrity/soundness.ts", 'if (length !== "ok") return "damaged";', "")],
    tests: ["test/download/soundness.test.ts"],
    only: "at the end of its first gzip member",
  },
  {
    claim: "call a file sound whose archive breaks off",
    edits: [edit("src/download/integrity/soundness.ts", 'ending === "early" ? "incomplete" : "sound"', '"sound"')],
    tests: ["test/download/soundness.test.ts"],
    only: "whose archive ends inside an entry",
  },
  {
    claim: "call a mongodump archive whole that ends between two blocks",
    edits: [edit("src/download/integrity/mongodump.ts", " && open.size === 0;", ";")],
    tests: ["test/download/integrity/contents.test.ts"],
    only: "each collection has its last block",
  },
  {
    claim: "read a mongodump archive of countless documents to its end",
    edits: [edit("src/download/integrity/mongodump.ts", "documents > limits.documents", "false")],
    tests: ["test/download/integrity/contents.test.ts"],
    only: "is read no further",
  },
  {
    claim: "save a web page that a gateway packed with gzip",
    edits: [edit("src/download/integrity/contents.ts", 'ending: isPage ? "foreign" : "unknown"', 'ending: "unknown"')],
    tests: ["test/download/soundness.test.ts"],
    only: "nothing of it stays",
  },
  {
    claim: "ignore what an earlier record says of the end of its file",
    edits: [
      edit("src/download/integrity/soundness.ts", 'if (notes.some((note) => EARLY.test(note))) return "early";', ""),
    ],
    tests: ["test/download/soundness.test.ts"],
    only: "is judged by its notes",
  },
  {
    claim: "say how to restore a file that is not sound",
    edits: [edit("src/download/restore-guide.ts", "if (!sound) return {};", "")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "none says how to restore it",
  },
  {
    claim: "serve restored data to every user of the computer",
    edits: [
      edit(
        "src/download/restore-guide.ts",
        "options(posixQuote(folder), posixQuote(socket))",
        'options(".", "127.0.0.1")',
      ),
    ],
    tests: ["test/download/restore-guide.test.ts"],
    only: "that no other user can reach",
  },
  {
    claim: "unpack where other users can enter",
    edits: [edit("src/download/restore-guide.ts", 'command("mkdir", "-m", "700",', 'command("mkdir",')],
    tests: ["test/download/restore-guide.test.ts"],
    only: "where no other user can enter",
  },
  {
    claim: "unpack an archive into the folder that is to keep others out",
    edits: [edit("src/download/restore-guide.ts", 'const data = join(folder, "data");', "const data = join(folder);")],
    tests: ["test/download/restore-guide.test.ts"],
    only: "only the reader can enter",
  },
  {
    claim: "give what root unpacks to the owners that the archive names",
    edits: [
      edit(
        "src/download/restore-guide.ts",
        'command("tar", "-xzof", facts.path, "-C", data, LIKE_ANY_USER,',
        'command("tar", "-xzf", facts.path, "-C", data,',
      ),
    ],
    tests: ["test/download/restore-guide.test.ts"],
    only: "a dump directory is unpacked",
  },
  {
    claim: "restore within a folder that protects nothing",
    edits: [
      edit("src/download/restore-guide.ts", 'if (isOpen && platform !== "win32") {', "if (platform === undefined) {"),
    ],
    tests: ["test/download/restore-guide.test.ts"],
    only: "elsewhere, where no other user can enter",
  },
  {
    claim: "say that a file in an unprotected folder is the one that was saved",
    edits: [edit("src/tools/verify-saved-snapshot.ts", "  if (isOpen) return", "  if (isOpen && false) return")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "is not said to be what was saved",
  },
  {
    claim: "start mongod without the storage options of its files",
    edits: [edit("src/download/restore-guide.ts", ", ...storageOptions(contents))", ")")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "with the option for that",
  },
  {
    claim: "open links to this computer whatever the base URL is",
    edits: [
      edit(
        "src/server/runtime.ts",
        "allowLoopback: isLoopback(baseUrl),",
        "allowLoopback: isLoopback(baseUrl) || true,",
      ),
    ],
    tests: ["test/server/runtime.test.ts"],
    only: "a link to loopback is opened only",
  },
  {
    claim: "follow the link to the folder again for each file",
    edits: [
      edit(
        "src/download/folder/directory.ts",
        "at: (name) => join(path, name),",
        "at: (name) => join(resolve(folder), name),",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
    only: "keeps its target for the whole transfer",
  },
  {
    claim: "write to the disk under --read-only",
    edits: [edit("src/download/verify.ts", "if (!readOnly) await noteCheck", "await noteCheck")],
    tests: ["test/tools/switches.test.ts"],
    only: "writes nothing to the disk",
  },
  {
    claim: "list a save only once its file has a name",
    edits: [edit("src/download/store.ts", "  if (report) {", "  if (report?.fileName) {")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "is listed with how to go on",
  },
  {
    claim: "forget a failure that no call has heard of",
    edits: [
      edit(
        "src/download/store.ts",
        "const reason = missed?.failure.envelope ?? lastError;",
        "const reason = undefined;",
      ),
    ],
    tests: ["test/tools/saved-files.test.ts"],
    only: "is listed with its reason",
  },
  {
    claim: "forget that the bytes came in several responses",
    edits: [edit("src/download/folder/local-copy.ts", "isJoined ||= isBetweenResponses;", "")],
    tests: ["test/download/soundness.test.ts"],
    only: "no splice is published",
  },
  {
    claim: "rename over the final name instead of linking",
    edits: [
      edit(
        "src/download/folder/publish.ts",
        "const isLinked = hasLinks && (await linkToFree(part, final));",
        "await renameFile(part.path, final); const isLinked = true;",
      ),
    ],
    tests: ["test/download/crash.test.ts"],
  },
  {
    claim: "end on a line that is not JSON",
    edits: [edit("src/protocol/stdio-transport.ts", "report(new Error(message));", "void close();")],
    tests: ["test/protocol/stdio-transport.test.ts"],
    only: "garbage is answered",
  },
  {
    claim: "leave console on standard output",
    edits: [edit("src/protocol/lifecycle.ts", "Object.assign(target, new Console(stderr, stderr));", "")],
    tests: ["test/protocol/lifecycle.test.ts"],
    only: "printed with console",
  },
  {
    claim: "say in tools/list what the README does not",
    edits: [edit("src/tools/get-restore-job.ts", "Reads one restore job of", "Looks at one restore job of")],
    tests: ["test/docs/agreement.test.ts"],
  },
  {
    claim: "continue a part that another process may still hold open",
    edits: [
      edit(
        "src/download/folder/lock.ts",
        'return !isThisProcess && (await lifeOf(writer)) !== "dead";',
        "return false;",
      ),
    ],
    tests: ["test/download/takeover.test.ts"],
  },
  {
    claim: "count files of another user",
    edits: [
      edit(
        "src/download/folder/directory.ts",
        "file.isFile() && (owner === undefined || file.uid === owner)",
        "file.isFile() || file.uid === owner",
      ),
    ],
    tests: ["test/download/ownership.test.ts"],
  },
  {
    claim: "trust a folder of everyone because of its sticky bit",
    edits: [
      edit(
        "src/download/folder/folder-safety.ts",
        "const everyone = (mode & OTHERS_MAY_WRITE) !== 0;",
        "const everyone = (mode & OTHERS_MAY_WRITE) !== 0 && (mode & STICKY) === 0;",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "trust a folder that a group may write to",
    edits: [
      edit(
        "src/download/folder/folder-safety.ts",
        "const group = (mode & GROUP_MAY_WRITE) !== 0;",
        "const group = everyone && (mode & GROUP_MAY_WRITE) !== 0;",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "accept an open folder without asking whether its file system keeps permissions",
    edits: [
      edit(
        "src/download/folder/directory.ts",
        "if (!made || made.keepsModes) throw refused(open);",
        "if (!made) throw refused(open);",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "follow another user's link to the download folder",
    edits: [edit("src/download/folder/folder-safety.ts", "uid === user.uid || uid === 0;", "uid >= 0;")],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "say nothing about a folder that does not protect its files",
    edits: [edit("src/download/saving/save-snapshot.ts", "    status.warn(directory.warning);\n", "")],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "give up at once on a file that another program of Windows has open",
    edits: [edit("src/download/folder/file-system.ts", 'process.platform === "win32" && hasCode', "false && hasCode")],
    tests: ["test/download/file-errors.test.ts"],
    only: "on Windows",
  },
  {
    claim: "fail a published save because its part cannot be removed",
    edits: [
      edit(
        "src/download/folder/publish.ts",
        "    if (error instanceof Failure) throw error;\n",
        "    throw error instanceof Failure ? error : new Error(String(error));\n",
      ),
    ],
    tests: ["test/download/file-errors.test.ts"],
    only: "unlink of the part",
  },
  {
    claim: "take a zombie for a living process",
    edits: [edit("src/download/folder/lock.ts", 'if (found?.hasEnded) return "dead";', "")],
    tests: ["test/download/lock.test.ts"],
  },
  {
    claim: "show links when a host left the switch that hides them unfilled",
    edits: [edit("src/config/parse.ts", "text: failsClosed ? (text ?? placeholder) : text,", "text,")],
    tests: ["test/config/setting-text.test.ts"],
    only: "counts as on for",
  },
  {
    claim: "simulate because of a misspelt word",
    edits: [edit("src/config/readers.ts", 'if (value === undefined) problem("must be true or false.");', "")],
    tests: ["test/config/setting-text.test.ts"],
    only: "whether to simulate is not guessed",
  },
  {
    claim: "save into a folder below the current one",
    edits: [edit("src/config/setting-text.ts", "!paths.isAbsolute(whole) || ", "")],
    tests: ["test/config/setting-text.test.ts", "test/config/odd-settings.test.ts"],
    only: "relative",
  },
  {
    claim: "take a secret that contains a placeholder for one",
    edits: [edit("src/config/setting-text.ts", "if (PLACEHOLDER.exec(text)?.[0] !== text)", "if (!/[$%]/.test(text))")],
    tests: ["test/config/setting-text.test.ts"],
    only: "means the same",
  },
  {
    claim: "read a file in UTF-16 without its mark as a secret",
    edits: [edit("src/config/credentials.ts", "if (zeros > 0 && ", "if (false && ")],
    tests: ["test/config/setting-text.test.ts"],
    only: "in UTF-16 without a byte order mark",
  },
  {
    claim: "distinguish the case of names on Windows",
    edits: [edit("src/config/setting-text.ts", 'platform === "win32" ?', 'platform === "cygwin" ?')],
    tests: ["test/config/environment.test.ts"],
    only: "have no case on Windows",
  },
  {
    claim: "leave the password of a proxy in the environment",
    edits: [edit("src/config/variables.ts", " || PROXY.test(letters)", "")],
    tests: ["test/secrets/settings.test.ts"],
    only: "has left environment",
  },
  {
    claim: "leave a secret under an invented name in the environment",
    edits: [edit("src/config/variables.ts", "OURS.test(letters)", "SECRET_VARIABLES.includes(name)")],
    tests: ["test/secrets/settings.test.ts"],
    only: "has left environment",
  },
  {
    claim: "show a known secret in a message about the settings",
    edits: [edit("src/config/parse.ts", "problems: problems.map(scrub),", "problems,")],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "looks like a word",
  },
  {
    claim: "show a secret among the simulator's orders",
    edits: [edit("src/config/simulator.ts", "isShowable(order)", "true")],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "the command simulator",
  },
  {
    claim: "quote what has the form of a secret in a message about the settings",
    edits: [
      edit("src/config/setting-text.ts", "return mayBeQuoted(text) ? show(text) : instead;", "return show(text);"),
    ],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "is in no answer",
  },
  {
    claim: "show a known secret in a usage error",
    edits: [edit("src/main.ts", "configured({}).config.secrets", "")],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "a usage error",
  },
  {
    claim: "show a short password of a proxy beside its user name",
    edits: [edit("src/config/credentials.ts", '[name, word].join(":"), ', "")],
    tests: ["test/config/environment.test.ts"],
    only: "known in each form",
  },
  {
    claim: "guess among several projects that have a cluster's name",
    edits: [edit("src/server/find-target.ts", "  if (found.length > 1) throw severalFound(name, found);\n", "")],
    tests: ["test/server/saves.test.ts"],
    only: "when several projects",
  },
  {
    claim: "take the only match although a project could not be read",
    edits: [edit("src/server/find-target.ts", "  if (first) throw notProven(name, unread, found[0]);\n", "")],
    tests: ["test/server/saves.test.ts"],
    only: "when a project could not be read",
  },
  {
    claim: "continue a part that was begun last week",
    edits: [edit("src/server/find-target.ts", "Math.abs(now - startedAt) < PART_LIFE_MS && ", "")],
    tests: ["test/server/saves.test.ts"],
    only: "takes the newest backup",
  },
  {
    claim: "end a transfer with its call although it can be stopped",
    edits: [edit("src/server/runtime.ts", 'tools.includes("stop_saving_snapshot")', "tools.length === 0")],
    tests: ["test/server/saves.test.ts"],
    only: "after its call was cancelled",
  },
  {
    claim: "remember what a lookup found longer than its save runs",
    edits: [
      edit("src/server/saves.ts", "if (target && store.isSaving(target)) return target;", "if (target) return target;"),
    ],
    tests: ["test/server/saves.test.ts"],
    only: "only while what it found",
  },
  {
    claim: "lose the failure of a lookup whose call has ended",
    edits: [edit("src/server/saves.ts", "if (lookup.waiting === 0) miss(key, name, error);", "")],
    tests: ["test/server/saves.test.ts"],
    only: "told to the next call",
  },
  {
    claim: "discard parts of a project without asking whether it is allowed",
    edits: [edit("src/download/saving/stop-save.ts", "  for (const each of identities) check(each);\n", "")],
    tests: ["test/download/stop.test.ts"],
    only: "asks about the project first",
  },
];
