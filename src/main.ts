import packageJson from "../package.json" with { type: "json" };
import { helpText, parseCommandLine } from "./command-line.ts";
import { parseConfig } from "./config.ts";
import { keepConsoleOffStdout } from "./protocol/lifecycle.ts";
import { readSecretFile } from "./secret-file.ts";
import { CATALOG } from "./tools/catalog.ts";
import { SECRET_VARIABLES } from "./variables.ts";

keepConsoleOffStdout(console, process.stderr);

const { version } = packageJson;
const line = parseCommandLine(process.argv.slice(2));

if ("usageError" in line) {
  process.stderr.write(`${line.usageError}\n`);
  process.exitCode = 2;
} else if (line.options.help) {
  process.stdout.write(helpText(version));
} else if (line.options.version) {
  process.stdout.write(`${version}\n`);
} else {
  const env = { ...process.env };
  const config = parseConfig({
    options: line.options,
    env,
    toolNames: CATALOG.map(({ name }) => name),
    readSecretFile,
  });
  // Nothing that runs later, and nothing that a crash report includes, needs them in the environment.
  for (const name of SECRET_VARIABLES) delete process.env[name];
  if (line.command === "check")
    process.exit(await (await import("./check/check.ts")).check({ config, env, options: line.options, version }));
  if (line.command === "server") await (await import("./serve.ts")).serve({ config, version });
  if (line.command === "simulator") {
    const { simulate } = await import("./simulate.ts");
    process.exitCode = await simulate({ port: line.options.port, env });
  }
}
