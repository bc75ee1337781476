// What the runs on other Node.js versions share: npm, versions from npm's packages, and what a report of vitest says.
import { execFile } from "node:child_process";
import { access, mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { promisify } from "node:util";

export const root = join(import.meta.dirname, "..");
export const packageJson = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
/** The oldest version that the package supports. */
export const oldest = /[\d.]+/.exec(packageJson.engines.node)[0];

export const run = promisify(execFile);

/** What npm and the install scripts of packages get of the environment: the way to programs, to a registry, and to folders of this user. */
const FOR_NPM =
  /^(?:PATH|PATHEXT|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|TMPDIR|TEMP|TMP|SYSTEMROOT|COMSPEC|LANG|(?:HTTPS?|NO)_PROXY|NODE_EXTRA_CA_CERTS|NPM_CONFIG_.*)$/i;
const npmEnvironment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => FOR_NPM.test(name)));

export const npm = (args, cwd) =>
  run("npm", [...args, "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd,
    env: npmEnvironment(),
    maxBuffer: 2 ** 26,
    timeout: 600_000,
  });

/** A folder that is kept between runs. A blank or relative XDG_CACHE_HOME counts as unset (XDG Base Directory Specification). */
export function cacheFolder(kind) {
  const { XDG_CACHE_HOME = "" } = process.env;
  const caches = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache");
  return join(caches, `${packageJson.name}-${kind}`);
}

const VERSION = /^v?(\d+(?:\.\d+)*)$/;
export const isVersion = (word) => VERSION.test(word);
/** The versions among the arguments of a script, such as `22` or `v22.1.0`, without the letter. */
export const versionsIn = (words) => words.flatMap((word) => VERSION.exec(word)?.[1] ?? []);

/** Installs a package of npm that holds a Node.js, such as `node`, into a folder of its own; returns its binary. */
export async function fetchNode({ version, folder, name = "node", binary = "node", options = [] }) {
  await mkdir(folder, { recursive: true });
  await npm(["install", "--prefix", folder, ...options, `${name}@${version}`], folder);
  const path = join(folder, "node_modules", name, "bin", binary);
  await access(path);
  return path;
}

/** Whether the answer of `node --version` is the version that was asked for. */
export function expectVersion(asked, answer) {
  if (!`${answer}.`.startsWith(`v${asked}.`)) throw new Error(`asked for ${asked}, got ${answer}`);
  return answer;
}

/** What vitest's JSON report says; a test file that could not even be read counts as one failed test. */
export async function readReport(path) {
  const { success, numPassedTests, numTotalTests, testResults } = JSON.parse(await readFile(path, "utf8"));
  const failed = testResults.flatMap(({ name, status, assertionResults }) => {
    const titles = assertionResults
      .filter((test) => test.status === "failed")
      .map(({ fullName, failureMessages }) => `${fullName} (${failureMessages[0]?.split("\n")[0]})`);
    return status === "failed" && titles.length === 0 ? [`${name} as a whole`] : titles;
  });
  return { success, failed, passed: numPassedTests, total: numTotalTests };
}
