import type { Credentials } from "./auth/sign.ts";
import { type Environment, type SecretFile, settingOf } from "./environment.ts";
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
export interface ChosenCredentials {
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
