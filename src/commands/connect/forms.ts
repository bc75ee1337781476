// The forms in which MCP clients take a server: a line for the shell, or JSON for their configuration file.
import { shellQuote } from "../../core/text.ts";
import type { Start } from "./start.ts";

/** The name that clients show. */
export const NAME = "atlas-flex-snapshots";

/** A text to run or to paste. */
export interface Printed {
  language: "sh" | "powershell" | "json";
  text: string;
}

type Words = readonly string[];

/** All variables; the secret is in a file. */
export function settingsOf({ account, secret, env }: Start): [string, string][] {
  const file = secret ? { [`${secret.variable}_FILE`]: secret.file } : {};
  return Object.entries({ ...account, ...file, ...env });
}

/** `<client> mcp add`: the client's own words, the settings, and after the dashes what it starts. */
export const addingWith =
  (...words: string[]) =>
  (start: Start): Words[] => [
    [...words, NAME],
    ...settingsOf(start).map(([name, value]) => ["--env", `${name}=${value}`]),
    ["--", start.node, ...start.args],
  ];

/**
 * Gemini CLI wants its options before the name, and the dashes before the arguments of the program. It cuts a value at its first
 * equals sign (0.61.0), so such a value goes into its configuration file.
 */
export function geminiAdding(start: Start, platform: NodeJS.Platform): Printed {
  const settings = settingsOf(start);
  if (settings.some(([, value]) => value.includes("="))) return mcpServers(start);
  const words = [
    ["gemini", "mcp", "add", "-s", "user"],
    ...settings.map(([name, value]) => ["-e", `${name}=${value}`]),
    [NAME, start.node, "--", ...start.args],
  ];
  return asShell(words, platform);
}

/** One command; with settings, a line for each. PowerShell keeps dashes from a script unless they are quoted. */
export function shellCommand(parts: readonly Words[], platform: NodeJS.Platform): string {
  const isWindows = platform === "win32";
  const quote = (word: string) =>
    isWindows && word === "--" ? "'--'" : shellQuote(isWindows ? withoutLastBackslash(word) : word, platform);
  const between = parts.length <= 2 ? " " : isWindows ? " `\n  " : " \\\n  ";
  return parts.map((words) => words.map(quote).join(" ")).join(between);
}

/** Before a closing quote, Windows takes a backslash for its escape. The root of a drive keeps its own, before a dot. */
const withoutLastBackslash = (word: string) => word.replace(/:\\+$/, ":\\.").replace(/\\+$/, "");

/** What quoting does not protect on Windows, where many clients are batch files and version 5.1 of PowerShell drops double quotes. */
const UNPROTECTED = /["&|<>^%]/;

/** Whether a command for PowerShell would not arrive as it is written. */
export const isTooHardToQuote = (start: Start): boolean =>
  [start.node, ...start.args, ...settingsOf(start).map(([, value]) => value)].some((word) => UNPROTECTED.test(word));

/** The command in this system's shell. */
export const asShell = (parts: readonly Words[], platform: NodeJS.Platform): Printed => ({
  language: platform === "win32" ? "powershell" : "sh",
  text: shellCommand(parts, platform),
});

export const asJson = (value: unknown): Printed => ({ language: "json", text: JSON.stringify(value, null, 2) });

/** The program with its arguments and settings, as nearly all JSON forms have it. */
function server(start: Start) {
  const env = settingsOf(start);
  return { command: start.node, args: start.args, ...(env.length > 0 ? { env: Object.fromEntries(env) } : {}) };
}

export const mcpServers = (start: Start): Printed => asJson({ mcpServers: { [NAME]: server(start) } });

const INPUT = "atlas-flex-secret";

/** VS Code asks for the secret and keeps it, unless a file was chosen. */
function vsCodeServer(start: Start) {
  const { secret, ...rest } = start;
  if (!secret || secret.isChosen) return { server: server(start), inputs: [] };
  const account = { ...rest.account, [secret.variable]: `\${input:${INPUT}}` };
  const description = `Atlas Flex snapshots: ${secret.variable}`;
  return {
    server: server({ ...rest, account }),
    inputs: [{ type: "promptString", id: INPUT, description, password: true }],
  };
}

/** Windows' `code` is a batch file, which no quoting protects from JSON; there the configuration file takes it. */
export function vsCode(start: Start, platform: NodeJS.Platform): Printed {
  const { server, inputs } = vsCodeServer(start);
  const asking = inputs.length > 0 ? { inputs } : {};
  if (platform === "win32") return asJson({ ...asking, servers: { [NAME]: { type: "stdio", ...server } } });
  return asShell([["code", "--add-mcp", JSON.stringify({ name: NAME, ...server, ...asking })]], platform);
}
