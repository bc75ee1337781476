// Reads the command line and the environment, then runs one command.
import packageJson from "../package.json" with { type: "json" };
import { type CommandLine, helpText, parseCommandLine } from "./config/command-line.ts";
import { parseConfig } from "./config/parse.ts";
import { environmentOf } from "./config/setting-text.ts";
import type { Options } from "./config/types.ts";
import { deleteSecrets } from "./config/variables.ts";
import { createRedactor } from "./core/redact.ts";
import { keepBytesOffStderr, keepConsoleOffStdout } from "./protocol/lifecycle.ts";
import { CATALOG } from "./tools/catalog.ts";

const { version } = packageJson;

/** Runs the command that `argv` asks for: the arguments after the program's name. */
export async function main(argv: readonly string[]): Promise<void> {
  const line = parseCommandLine(argv);
  keepConsoleOffStdout(console, process.stderr);
  if (process.env.NODE_DEBUG) keepBytesOffStderr(process.stderr);
  if ("usageError" in line) {
    process.stderr.write(`${createRedactor(configured({}).config.secrets).scrub(line.usageError)}\n`);
    process.exitCode = 2;
  } else if (line.options.help) {
    process.stdout.write(helpText(version));
  } else if (line.options.version) {
    process.stdout.write(`${version}\n`);
  } else {
    await run(line);
  }
}

/** Reads the configuration, which holds the secrets from then on. */
function configured(options: Options) {
  const env = environmentOf(process.env, process.platform);
  return { env, config: parseConfig({ options, env, toolNames: CATALOG.map(({ name }) => name) }) };
}

async function run({ command, options }: Exclude<CommandLine, { usageError: string }>): Promise<void> {
  const { env, config } = configured(options);
  // A crash report would include the environment.
  deleteSecrets(process.env);
  switch (command) {
    case "server":
      return (await import("./server/serve.ts")).serve({ config, version });
    case "check":
      return process.exit(await (await import("./commands/check/check.ts")).check({ config, env, options, version }));
    case "simulator":
      process.exitCode = await (await import("./commands/simulator.ts")).simulate({
        options,
        env,
        secrets: config.secrets,
      });
  }
}
