// Chooses the credentials: which kind, from which variables or files, and what is wrong with them.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isAbsolute } from "node:path";
import { codeOf } from "../core/errors.ts";
import { MIN_SECRET_CHARACTERS } from "../core/redact.ts";
import { clean } from "../core/text.ts";
import { type GroupGiven, settingOf, withHomeFolder } from "./readers.ts";
import type { Config, Credentials } from "./types.ts";
import type { SecretVariable } from "./variables.ts";

/** Two variables of one naming family; names of different families are never paired. */
interface Pair {
  kind: "service-account" | "api-key";
  id: string;
  secret: SecretVariable;
}

/** In order of preference: the kind first, then our own names before those of other tools. */
const PAIRS: readonly Pair[] = [
  { kind: "service-account", id: "MONGODB_ATLAS_CLIENT_ID", secret: "MONGODB_ATLAS_CLIENT_SECRET" },
  { kind: "service-account", id: "MDB_MCP_API_CLIENT_ID", secret: "MDB_MCP_API_CLIENT_SECRET" },
  { kind: "api-key", id: "MONGODB_ATLAS_PUBLIC_API_KEY", secret: "MONGODB_ATLAS_PRIVATE_API_KEY" },
  { kind: "api-key", id: "MONGODB_ATLAS_PUBLIC_KEY", secret: "MONGODB_ATLAS_PRIVATE_KEY" },
];
const TOKEN = "MONGODB_ATLAS_ACCESS_TOKEN";

/**
 * The credentials to use and the variables that hold them: a complete service account, else a complete API key, else a token.
 * Both are absent if no credentials are complete.
 */
export function readCredentials({
  env,
  problems,
  warnings,
}: GroupGiven): Pick<Config, "credentials" | "credentialsFrom"> {
  /** Variables that are set but unusable. Their pairs are not reported as incomplete too. */
  const faulty = new Set<string>();

  function secretOf(name: SecretVariable): string | undefined {
    const direct = settingOf(env, name);
    const path = settingOf(env, `${name}_FILE`);
    if (path === undefined) return direct;
    if (direct !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set; keep one of them.`);
      return direct;
    }
    const file = readSecretFile(path);
    if ("problem" in file) {
      problems.push(`${name}_FILE ${file.problem}`);
      faulty.add(name);
      return undefined;
    }
    if (file.readableByOthers)
      warnings.push(`The file of ${name}_FILE can be read by other users of this computer; make it 0600.`);
    return file.secret;
  }

  function usable(name: string, value: string | undefined, minCharacters = 1): string | undefined {
    const wrong = value === undefined ? undefined : whatIsWrong(value, minCharacters);
    if (wrong === undefined) return value;
    problems.push(`${name} ${wrong}`);
    faulty.add(name);
    return undefined;
  }

  const pairs = PAIRS.map((pair) => ({
    ...pair,
    idValue: usable(pair.id, settingOf(env, pair.id)),
    secretValue: usable(pair.secret, secretOf(pair.secret), MIN_SECRET_CHARACTERS),
  }));
  const token = usable(TOKEN, secretOf(TOKEN), MIN_SECRET_CHARACTERS);
  const given = (name: string) => (settingOf(env, name) === undefined ? `${name}_FILE` : name);
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
  return complete[0] ?? {};
}

/** Every secret of the configuration. Access tokens that are fetched later are not among them. */
export function secretsOf({ credentials, proxy }: Config): string[] {
  const passwords = [proxy.httpProxy, proxy.httpsProxy].flatMap((url) =>
    url ? [decodeURIComponent(new URL(url).password)] : [],
  );
  if (credentials?.kind === "service-account") return [credentials.clientSecret, ...passwords];
  if (credentials?.kind === "api-key") return [credentials.privateKey, ...passwords];
  return credentials ? [credentials.token, ...passwords] : passwords;
}

function toCredentials(kind: Pair["kind"], id: string, secret: string): Credentials {
  return kind === "service-account"
    ? { kind, clientId: id, clientSecret: secret }
    : { kind, publicKey: id, privateKey: secret };
}

/** Secrets of Atlas are far shorter. */
const MAX_CREDENTIAL_CHARACTERS = 4096;

/** A placeholder of a client or its form, and one copied from documentation. */
const UNFILLED = /^\$\{[^}]*\}$/;
const SAMPLE = /^((mdb_sa_(id|sk)_)?(…|\.{2,}|x{3,}|<[^>]*>)|mdb_sa_(id|sk)_)$/i;

/** Copied text may be a placeholder, or hold characters that are invisible or not allowed in a header. */
function whatIsWrong(value: string, minCharacters: number): string | undefined {
  if (UNFILLED.test(value))
    return "is still a placeholder that the MCP client did not fill in: answer its question, or set the value itself.";
  if (SAMPLE.test(value)) return "is still the placeholder of the instructions; put your own value in its place.";
  if (value.length < minCharacters) return "is too short to be a secret of Atlas; copy the whole value.";
  if (value.length > MAX_CREDENTIAL_CHARACTERS) return "is longer than any credential of Atlas; copy the value alone.";
  if (/^[!-~]+$/.test(value)) return undefined;
  return "holds a character that Atlas credentials never have, such as a space, a long dash or an invisible one; copy it again.";
}

/**
 * Reads the file that a `_FILE` variable names: a regular file of at most 4 KiB. One newline at its end is dropped.
 * `problem` completes a sentence that begins with the variable's name.
 */
export function readSecretFile(setting: string): { secret: string; readableByOthers: boolean } | { problem: string } {
  const path = withHomeFolder(setting);
  if (path === undefined) return { problem: "begins with ~, but this user has no home folder." };
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
    const bytes = Buffer.alloc(MAX_CREDENTIAL_CHARACTERS + 1);
    const length = readSync(descriptor, bytes);
    if (length > MAX_CREDENTIAL_CHARACTERS)
      return { problem: "names a file larger than 4 KiB, which is too long for an Atlas secret." };
    const secret = bytes.toString("utf8", 0, length).replace(/\r?\n$/, "");
    if (secret.trim() === "") return { problem: "names an empty file." };
    return { secret, readableByOthers: process.platform !== "win32" && (stat.mode & 0o044) !== 0 };
  } catch {
    return { problem: "names a file that cannot be read." };
  } finally {
    closeSync(descriptor);
  }
}

function problemOfOpening(path: string, error: unknown): string {
  // Somebody may have put the secret itself here, so a value that looks like one is not quoted.
  if (!isAbsolute(path) || path.includes("mdb_sa_sk_"))
    return "must be the absolute path of a file that holds the secret, not a relative path or the secret itself.";
  const shown = clean(path);
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM")
    return `names a file that this user may not read: ${shown}. Check its owner and its permissions.`;
  if (code !== "ENOENT" && code !== "ENOTDIR") return `names a file that cannot be opened: ${shown}.`;
  if (path.startsWith("/path/to/"))
    return `is still the placeholder of the instructions: ${shown}. Name your own file.`;
  return `names a file that does not exist: ${shown}.`;
}
