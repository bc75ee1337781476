// Chooses the credentials: which kind, from which variables or files, and what is wrong with them.
import { isUtf8 } from "node:buffer";
import type { Stats } from "node:fs";
import { codeOf } from "../core/errors.ts";
import { MIN_ATLAS_SECRET_CHARACTERS } from "../core/redact.ts";
import { clean } from "../core/text.ts";
import {
  absolutePath,
  type Environment,
  isSet,
  mayBeQuoted,
  type PathObstacle,
  type SettingText,
  settingOf,
  settingText,
} from "./setting-text.ts";
import type { Config, Credentials, GroupGiven } from "./types.ts";
import { SECRET_VARIABLES, type SecretVariable } from "./variables.ts";

/** Two variables of one naming family; names of different families are never paired. */
interface Pair {
  kind: "service-account" | "api-key";
  id: string;
  secret: SecretVariable;
}

/** In order of preference: the kind first, then our own names before those of other tools. */
export const PAIRS: readonly Pair[] = [
  { kind: "service-account", id: "MONGODB_ATLAS_CLIENT_ID", secret: "MONGODB_ATLAS_CLIENT_SECRET" },
  { kind: "service-account", id: "MDB_MCP_API_CLIENT_ID", secret: "MDB_MCP_API_CLIENT_SECRET" },
  { kind: "api-key", id: "MONGODB_ATLAS_PUBLIC_API_KEY", secret: "MONGODB_ATLAS_PRIVATE_API_KEY" },
  { kind: "api-key", id: "MONGODB_ATLAS_PUBLIC_KEY", secret: "MONGODB_ATLAS_PRIVATE_KEY" },
];
export const TOKEN = "MONGODB_ATLAS_ACCESS_TOKEN";

/**
 * The credentials to use and the variables that hold them: a complete service account, else a complete API key, else a token.
 * Both are absent if no credentials are complete. `secrets` are those of all files that were read, used or not.
 */
export function readCredentials({
  env,
  problems,
  warnings,
}: GroupGiven): Pick<Config, "credentials" | "credentialsFrom" | "secrets"> {
  const secrets: string[] = [];
  /** Variables that are set but unusable. Their pairs are not reported as incomplete too. */
  const faulty = new Set<string>();

  /** The variable that holds the value, or the path of its file. */
  const given = (name: string) => (isSet(settingOf(env, name)) ? name : `${name}_FILE`);

  function unusable(name: string, predicate: string): undefined {
    problems.push(`${given(name)} ${predicate}`);
    faulty.add(name);
  }

  function usable(name: string, { text, problem }: SettingText, minCharacters = 1): string | undefined {
    const wrong = problem ?? (text === undefined ? undefined : whatIsWrong(text, minCharacters));
    return wrong === undefined ? text : unusable(name, wrong);
  }

  function secretOf(name: SecretVariable): string | undefined {
    const direct = settingOf(env, name);
    const file = settingOf(env, `${name}_FILE`);
    if (isSet(direct) && isSet(file)) {
      problems.push(`${name} and ${name}_FILE are both set; keep one of them.`);
      faulty.add(name);
      return direct.text;
    }
    if (file.problem) return unusable(name, file.problem);
    if (file.text === undefined) return usable(name, direct, MIN_ATLAS_SECRET_CHARACTERS);
    const read = readSecretFile(file.text);
    if ("problem" in read) return unusable(name, read.problem);
    secrets.push(read.secret);
    if (read.readableByOthers)
      warnings.push(`The file of ${name}_FILE can be read by other users of this computer; make it 0600.`);
    const wrong = whatIsWrong(read.secret, MIN_ATLAS_SECRET_CHARACTERS);
    return wrong === undefined ? read.secret : unusable(name, `names a file whose text ${wrong}`);
  }

  const pairs = PAIRS.map((pair) => ({
    ...pair,
    idValue: usable(pair.id, settingOf(env, pair.id)),
    secretValue: secretOf(pair.secret),
  }));
  const token = secretOf(TOKEN);
  const complete: Required<Pick<Config, "credentials" | "credentialsFrom">>[] = pairs.flatMap(
    ({ kind, id, secret, idValue, secretValue }) =>
      idValue && secretValue
        ? [{ credentials: toCredentials(kind, idValue, secretValue), credentialsFrom: [id, given(secret)] }]
        : [],
  );
  if (token) complete.push({ credentials: { kind: "access-token", token }, credentialsFrom: [given(TOKEN)] });

  for (const { id, secret, idValue, secretValue } of pairs) {
    if (Boolean(idValue) === Boolean(secretValue) || faulty.has(id) || faulty.has(secret)) continue;
    const [have, lack] = idValue ? [id, secret] : [given(secret), id];
    const advice = idValue
      ? `Set ${lack}, or ${lack}_FILE to the path of a file that holds it.`
      : `Set ${lack} too, since the two belong together.`;
    if (complete.length > 0) warnings.push(`${have} is set without ${lack}. It is ignored.`);
    else problems.push(`${have} is set without ${lack}. ${advice}`);
  }
  const [chosen, ...others] = complete.map(({ credentialsFrom }) => credentialsFrom.join(" and "));
  if (others.length > 0) warnings.push(`Several credentials are set. Used: ${chosen}. Ignored: ${others.join("; ")}.`);
  return { ...complete[0], secrets };
}

/** The secrets that the variables themselves hold, used or not, and the passwords of the proxies. */
export function secretsIn(env: Environment, { httpProxy, httpsProxy }: Config["proxy"]): string[] {
  const passwords = [httpProxy, httpsProxy].flatMap((url) => (url ? passwordsOf(new URL(url)) : []));
  const variables = SECRET_VARIABLES.filter((name) => !name.endsWith("_FILE"));
  return [...variables.flatMap((name) => settingOf(env, name).text ?? []), ...passwords];
}

/**
 * The password of a proxy as the URL and as the Basic scheme (RFC 7617) have it. The pair is a secret of its own: a password too
 * short to be removed wherever it occurs is removed at least beside the user name, in base64 too.
 */
function passwordsOf({ username, password }: URL): string[] {
  if (password === "") return [];
  const [name, word] = [decodeURIComponent(username), decodeURIComponent(password)];
  return [word, password, [name, word].join(":"), [username, password].join(":")];
}

function toCredentials(kind: Pair["kind"], id: string, secret: string): Credentials {
  return kind === "service-account"
    ? { kind, clientId: id, clientSecret: secret }
    : { kind, publicKey: id, privateKey: secret };
}

/** Secrets of Atlas are far shorter. */
const MAX_CREDENTIAL_CHARACTERS = 4096;

/** Room for long text in UTF-16. */
const MAX_SECRET_FILE_BYTES = 4 * MAX_CREDENTIAL_CHARACTERS;

/** A placeholder copied from documentation. */
const SAMPLE = /^((mdb_sa_(id|sk)_)?(…|\.{2,}|x{3,}|<[^>]*>)|mdb_sa_(id|sk)_)$/i;

export const isSample = (value: string): boolean => SAMPLE.test(value);

/** Copied text may be a sample, or hold characters that are invisible or not allowed in a header. */
function whatIsWrong(value: string, minCharacters: number): string | undefined {
  if (isSample(value)) return "is still the placeholder of the instructions; put your own value in its place.";
  if (value.length < minCharacters) return "is too short to be a secret of Atlas; copy the whole value.";
  if (value.length > MAX_CREDENTIAL_CHARACTERS) return "is longer than any credential of Atlas; copy the value alone.";
  if (/^[!-~]+$/.test(value)) return undefined;
  return "holds a character that Atlas credentials never have, such as a space, a long dash or an invisible one; copy it again.";
}

/**
 * Reads the file that a `_FILE` variable names: a regular file of at most 16 KiB, in UTF-8, or in UTF-16 with a byte order mark
 * as Windows PowerShell writes it. `problem` completes a sentence that begins with the variable's name.
 */
export function readSecretFile(setting: string): { secret: string; readableByOthers: boolean } | { problem: string } {
  const place = absolutePath(setting);
  // On Windows a path without a drive is not absolute, that of the instructions included.
  if ("obstacle" in place) return { problem: problemOfSample(setting) ?? WRONG_PATHS[place.obstacle] };
  const { path } = place;
  // An import at the top would cost every start 1 ms.
  const { closeSync, constants, fstatSync, openSync, readSync } = process.getBuiltinModule("node:fs");
  let descriptor: number;
  try {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer for ever.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return { problem: problemOfOpening(path, error) };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { problem: "must name a regular file." };
    // Reads up to the limit whatever size the file claims: some file systems say 0 for every file.
    const bytes = Buffer.alloc(MAX_SECRET_FILE_BYTES + 1);
    const length = readSync(descriptor, bytes);
    if (length > MAX_SECRET_FILE_BYTES)
      return { problem: "names a file larger than 16 KiB, which is too long for an Atlas secret." };
    const decoded = decodedText(bytes.subarray(0, length));
    if ("flaw" in decoded) return { problem: `names a file ${decoded.flaw}${named(path)}. Save it as UTF-8.` };
    const { text, placeholder } = settingText(decoded.text);
    if (placeholder !== undefined)
      return { problem: `names a file that holds a placeholder in place of the secret${named(path)}.` };
    if (text === undefined) return { problem: "names an empty file." };
    return { secret: text, readableByOthers: isReadableByOthers(stat) };
  } catch {
    return { problem: "names a file that cannot be read." };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Rights of the group count only on a file of this user. Another owner gave them on purpose, to let this user read the file,
 * and an access list shows as rights of the group too: systemd gives a service its credentials so ("systemd.exec", LoadCredential=).
 */
function isReadableByOthers({ mode, uid }: Stats): boolean {
  if (process.platform === "win32") return false;
  return (mode & (uid === process.getuid?.() ? 0o044 : 0o004)) !== 0;
}

/** The text of a file, or what is wrong with its encoding, to follow "a file". */
function decodedText(bytes: Buffer): { text: string } | { flaw: string } {
  const mark = bytes.toString("latin1", 0, 2);
  if (mark === "\xff\xfe" || mark === "\xfe\xff") {
    if (bytes.length % 2 === 1) return { flaw: "that is cut off in the middle of a UTF-16 character" };
    return { text: (mark === "\xff\xfe" ? bytes : bytes.swap16()).toString("utf16le") };
  }
  const zeros = bytes.filter((byte) => byte === 0).length;
  // Every other byte of ASCII text in UTF-16 is zero.
  if (zeros > 0 && zeros * 2 === bytes.length) return { flaw: "in UTF-16 without a byte order mark" };
  if (zeros > 0) return { flaw: "that is not a text file, since it contains zero bytes" };
  return isUtf8(bytes) ? { text: bytes.toString() } : { flaw: "whose encoding is neither UTF-8 nor UTF-16" };
}

/** The text is not quoted: somebody may have put the secret itself there. */
const WRONG_PATHS: Readonly<Record<PathObstacle, string>> = {
  "no-home": "must be an absolute path, since this user has no home folder.",
  placeholder: "begins with a placeholder that nobody filled in: write the absolute path, or one that begins with ~/.",
  relative: "must be the absolute path of a file that holds the secret, not a relative path or the secret itself.",
};

function problemOfOpening(path: string, error: unknown): string {
  const shown = named(path);
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM")
    return `names a file that this user may not read${shown}. Check its owner and its permissions.`;
  if (code !== "ENOENT" && code !== "ENOTDIR") return `names a file that cannot be opened${shown}.`;
  return problemOfSample(path) ?? `names a file that does not exist${shown}.`;
}

/** The path of a file as the pages and `connect` show it, on each system. */
export const isSamplePath = (path: string): boolean => /^(?:[A-Z]:)?[\\/]path[\\/]to[\\/]/i.test(path);

const problemOfSample = (path: string): string | undefined =>
  isSamplePath(path) ? `is still the placeholder of the instructions${named(path)}. Name your own file.` : undefined;

/** The path as the end of a clause; nothing if somebody may have put the secret itself into it. */
const named = (path: string): string => (mayBeQuoted(path) ? `: ${clean(path)}` : "");
