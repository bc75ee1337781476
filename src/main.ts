// Reads the command line and the environment, then runs one command.
import type { Writable } from "node:stream";
import { type CommandLine, helpText, parseCommandLine } from "./config/command-line.ts";
import { parseConfig } from "./config/parse.ts";
import { deleteSecrets, environmentOf } from "./config/variables.ts";
import { createRedactor } from "./core/redact.ts";
import { keepConsoleOffStdout } from "./protocol/lifecycle.ts";
import { serve } from "./server/serve.ts";
import { CATALOG } from "./tools/catalog.ts";

type ParsedLine = Exclude<CommandLine, { usageError: string }>;

/** Runs the command that `argv` asks for: the arguments after the program's name. `version` is that of this package. */
export async function main(argv: readonly string[], version: string): Promise<void> {
  const line = parseCommandLine(argv);
  keepConsoleOffStdout(console, process.stderr);
  if (process.env.NODE_DEBUG) keepBytesOffStderr(process.stderr);
  if ("usageError" in line) {
    const { secrets } = configured({ command: "server", options: {} }).config;
    process.stderr.write(`${createRedactor(secrets).scrub(line.usageError)}\n`);
    process.exitCode = 2;
  } else if (line.options.help) {
    process.stdout.write(helpText(version, line.command, process.stdout.isTTY ? process.stdout.columns : undefined));
  } else if (line.options.version) {
    process.stdout.write(`${version}\n`);
  } else {
    await run(line, version);
  }
}

/** Reads the configuration, which holds the secrets from then on. */
function configured({ command, options }: Pick<ParsedLine, "command" | "options">) {
  const env = environmentOf(process.env, process.platform);
  const currentFolder = ["save", "status"].includes(command) ? workingFolder() : undefined;
  return { env, config: parseConfig({ options, env, toolNames: CATALOG.map(({ name }) => name), currentFolder }) };
}

/** Undefined if it was removed. */
function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

async function run({ command, options, clusters, client }: ParsedLine, version: string): Promise<void> {
  const { env, config } = configured({ command, options });
  // A crash report would include the environment.
  deleteSecrets(process.env);
  switch (command) {
    case "server":
      return serve({ config, version });
    case "check":
      return process.exit(await (await import("./commands/check/check.ts")).check({ config, env, options, version }));
    case "save":
      return process.exit(
        await (await import("./commands/save/save.ts")).save({ config, env, options, version, clusters }),
      );
    case "status":
      return process.exit(
        await (await import("./commands/status/status.ts")).status({ config, env, options, version }),
      );
    case "connect":
      return process.exit(
        await (await import("./commands/connect/connect.ts")).connect({ config, env, options, client }),
      );
    case "simulator":
      process.exitCode = await (await import("./commands/simulator.ts")).simulate({
        options,
        env,
        secrets: config.secrets,
      });
  }
}

const BYTES = /<Buffer [^>]*>/g;

/**
 * Under NODE_DEBUG=stream, Node.js prints the first 50 bytes of each piece that arrives on a connection or on standard input. They
 * can hold the beginning of an access token.
 */
function keepBytesOffStderr(stderr: Writable): void {
  const { write } = stderr;
  Object.assign(stderr, {
    write: (text: unknown, ...rest: unknown[]): boolean =>
      Reflect.apply(write, stderr, [typeof text === "string" ? text.replace(BYTES, "<Buffer>") : text, ...rest]),
  });
}
