// Mutations of the conversation with Atlas.
import { edit } from "./edit.mjs";

const SAFE_REQUEST = "test/tools/safe-request.test.ts";
const LIFE = "test/faults/process-life.test.ts";
const QUOTED = "test/secrets/quoted.test.ts";

export const ATLAS = [
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
    claim: "make a path of a cluster's name whatever its form",
    edits: [edit("src/atlas/backups.ts", "if (!isClusterName(name))", "if (!name)")],
    tests: ["test/tools/backup-overview.test.ts"],
    only: "whose name could change the path",
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
];
