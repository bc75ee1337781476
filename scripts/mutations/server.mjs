// Mutations of the tools, the server and the commands.
import { edit } from "./edit.mjs";

const DESK = "test/protocol/front-desk.test.ts";
const LIFE = "test/faults/process-life.test.ts";
const QUOTED = "test/secrets/quoted.test.ts";

export const SERVER = [
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
    claim: "let Atlas's words stand in a failure like our own",
    edits: [edit("src/server/server.ts", 'texts.length > 0 ? says("Atlas", ...texts) : ""', 'texts.join(" ")')],
    tests: [QUOTED],
    only: "an instruction in every text",
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
    claim: "let the name of a project stand in a line of check like our own",
    edits: [edit("src/commands/check/atlas.ts", "{quoted(name)} (", "{name} (")],
    tests: [QUOTED],
    only: "`check` quotes",
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
    claim: "call a file with another checksum what the host sent",
    edits: [edit("src/tools/verify-saved-snapshot.ts", ' || md5 === "wrong")', ")")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "not what the host announced",
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
    edits: [edit("src/protocol/front-desk.ts", "eras.onlyWhatIsRead(request, client)", "request")],
    tests: [LIFE],
    only: "in the unknown parameter",
  },
  {
    claim: "run a call that was cancelled while it was queued",
    edits: [
      edit(
        "src/protocol/front-desk.ts",
        "queue = queue.filter((waiting) => waiting.id !== id);",
        "queue = queue.slice();",
      ),
    ],
    tests: [DESK],
    only: "cancelled while it was queued",
  },
  {
    claim: "run queued calls after the connection has closed",
    edits: [edit("src/protocol/front-desk.ts", "queue &&= [];", "")],
    tests: [DESK],
    only: "when the connection closes",
  },
  {
    claim: "load the SDK for a list",
    edits: [
      edit(
        "src/server/answers.ts",
        'import { answerPrompt, promptsFor } from "./prompts.ts";',
        'import { answerPrompt, promptsFor } from "./prompts.ts";\nimport "@modelcontextprotocol/sdk/types.js";',
      ),
    ],
    tests: ["test/packaging/start.test.ts"],
    only: "only code of this package",
  },
  {
    claim: "overwrite a resultType",
    edits: [edit("src/protocol/eras.ts", "    resultType,\n", '    resultType: "complete",\n')],
    tests: [DESK],
    only: "a resultType",
  },
  {
    claim: "keep an announcement of any size with each waiting call",
    edits: [edit("src/protocol/eras.ts", "JSON.stringify(capabilities).length <= MAX_ANNOUNCED_CHARACTERS", "true")],
    tests: [DESK],
    only: "too large",
  },
  {
    claim: "show links although they are hidden",
    edits: [edit("src/tools/job-view.ts", "const links = hideSnapshotUrls ? {} : {", "const links = {")],
    tests: ["test/secrets/links.test.ts"],
    only: "hide-snapshot-urls",
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
    claim: "say that a file in an unprotected folder is the one that was saved",
    edits: [edit("src/tools/verify-saved-snapshot.ts", "  if (isOpen) return", "  if (isOpen && false) return")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "is not said to be what was saved",
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
    claim: "show a known secret in a usage error",
    edits: [edit("src/main.ts", "configured({}).config.secrets", "")],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "a usage error",
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
];
