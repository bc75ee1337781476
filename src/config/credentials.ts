import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isAbsolute } from "node:path";
import { codeOf } from "../core/errors.ts";
import { clean } from "../core/text.ts";
import {
  type Config,
  type Credentials,
  type Environment,
  type SecretFile,
  settingOf,
  withHomeFolder,
} from "./config.ts";
import type { SecretVariable } from "./variables.ts";

/** Variables of one naming family; a pair is never made of two families. */
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

/** Credentials and the variables that hold them, both or neither. */
interface ChosenCredentials {
  credentials?: Credentials;
  credentialsFrom?: readonly string[];
}

/** The credentials to use: a complete service account, else a complete API key, else a token. */
export function readCredentials(input: {
  env: Environment;
  readSecretFile: (path: string) => SecretFile;
  problems: string[];
  warnings: string[];
}): ChosenCredentials {
  const { env, problems, warnings } = input;

  /** Variables that are set but of no use; their other half is then not called lonely. */
  const faulty = new Set<string>();

  function secretOf(name: SecretVariable): string | undefined {
    const direct = settingOf(env, name);
    const path = settingOf(env, `${name}_FILE`);
    if (path === undefined) return direct;
    if (direct !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set; keep one of them.`);
      return direct;
    }
    const file = input.readSecretFile(path);
    if ("problem" in file) {
      problems.push(`${name}_FILE ${file.problem}`);
      faulty.add(name);
      return undefined;
    }
    if (file.readableByOthers)
      warnings.push(`The file of ${name}_FILE can be read by other users of this computer; make it 0600.`);
    return file.secret;
  }

  /** A copy from a document can bring along what stands in for a value, what cannot stand in a header and what no eye sees. */
  function usable(name: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    const wrong = whatIsWrong(value);
    if (wrong === undefined) return value;
    problems.push(`${name} ${wrong}`);
    faulty.add(name);
    return undefined;
  }

  const pairs = PAIRS.map((pair) => ({
    pair,
    id: usable(pair.id, settingOf(env, pair.id)),
    secret: usable(pair.secret, secretOf(pair.secret)),
  }));
  const token = usable(TOKEN, secretOf(TOKEN));
  const given = (name: string) => (settingOf(env, name) === undefined ? `${name}_FILE` : name);
  const complete = pairs.flatMap(({ pair, id, secret }) =>
    id && secret
      ? [{ credentials: toCredentials(pair, id, secret), credentialsFrom: [pair.id, given(pair.secret)] }]
      : [],
  );
  const halves = pairs.filter(
    ({ pair, id, secret }) => Boolean(id) !== Boolean(secret) && !faulty.has(pair.id) && !faulty.has(pair.secret),
  );
  const all = [
    ...complete,
    ...(token ? [{ credentials: { kind: "access-token", token } as const, credentialsFrom: [given(TOKEN)] }] : []),
  ];

  const sink = all.length > 0 ? warnings : problems;
  for (const { pair, id } of halves) {
    const [have, lack] = id ? [pair.id, pair.secret] : [given(pair.secret), pair.id];
    const advice = id
      ? `Set ${lack}, or ${lack}_FILE to the path of a file that holds it.`
      : `Set ${lack} too, since the two belong together.`;
    sink.push(`${have} is set without ${lack}. ${all.length > 0 ? "It is ignored." : advice}`);
  }
  const [chosen, ...others] = all.map(({ credentialsFrom }) => credentialsFrom.join(" and "));
  if (others.length > 0) warnings.push(`Several credentials are set. Used: ${chosen}. Ignored: ${others.join("; ")}.`);
  return all[0] ?? {};
}

/** What a form, a client or a document puts where the value belongs. */
const UNFILLED = /^\$\{[^}]*\}$/;
const SAMPLE = /^((mdb_sa_(id|sk)_)?(…|\.{2,}|x{3,}|<[^>]*>)|mdb_sa_(id|sk)_)$/i;

function whatIsWrong(value: string): string | undefined {
  if (UNFILLED.test(value))
    return "is still a placeholder that the MCP client did not fill in: answer its question, or set the value itself.";
  if (SAMPLE.test(value)) return "is still the placeholder of the instructions; put your own value in its place.";
  if (/^[!-~]+$/.test(value)) return undefined;
  return "holds a character that no credential of Atlas has, such as a space, a long dash or an invisible one; copy it again.";
}

function toCredentials({ kind }: Pair, id: string, secret: string): Credentials {
  return kind === "service-account"
    ? { kind, clientId: id, clientSecret: secret }
    : { kind, publicKey: id, privateKey: secret };
}

/** Far above any secret of Atlas; a larger file is not one. */
const MAX_BYTES = 4096;

/** Reads the file that a `_FILE` variable names: a regular one of at most 4 KiB, less one newline at its end. */
export function readSecretFile(setting: string): SecretFile {
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
    // Read to a limit, since the files of some file systems say that their size is 0.
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const length = readSync(descriptor, bytes);
    if (length > MAX_BYTES) return { problem: "names a file larger than 4 KiB, which is no secret of Atlas." };
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
  // Whoever took the variable for that of the secret itself has the secret in it.
  if (!isAbsolute(path) || path.includes("mdb_sa_sk_"))
    return "must be the absolute path of a file that holds the secret; it is none, or the secret itself.";
  const shown = clean(path);
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM")
    return `names a file that this user may not read: ${shown}. Check its owner and its permissions.`;
  if (code !== "ENOENT" && code !== "ENOTDIR") return `names a file that cannot be opened: ${shown}.`;
  if (path.startsWith("/path/to/"))
    return `is still the placeholder of the instructions: ${shown}. Name your own file.`;
  return `names a file that does not exist: ${shown}.`;
}

/** What is secret from the start; access tokens follow as they are fetched. */
export function secretsOf({ credentials, proxy }: Config): string[] {
  const passwords = [proxy.httpProxy, proxy.httpsProxy].flatMap((url) =>
    url && URL.canParse(url) ? [decodeURIComponent(new URL(url).password)] : [],
  );
  if (credentials?.kind === "service-account") return [credentials.clientSecret, ...passwords];
  if (credentials?.kind === "api-key") return [credentials.privateKey, ...passwords];
  return credentials ? [credentials.token, ...passwords] : passwords;
}
