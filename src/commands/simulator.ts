// The command `simulator`: runs the simulated Atlas until a signal ends it.
import { once } from "node:events";
import { parseSimulatorSettings } from "../config/parse.ts";
import type { Environment } from "../config/setting-text.ts";
import { problemsOfOrders } from "../config/simulator.ts";
import type { Options } from "../config/types.ts";
import { createRedactor } from "../core/redact.ts";
import { startSimulator } from "../simulator/simulator.ts";

const inPosixShell = (name: string, value: string) => `export ${name}=${value}`;
const inPowerShell = (name: string, value: string) => `$env:${name} = '${value}'`;

/** Prints the environment variables that point this server at the simulator. Resolves to the exit code. */
export async function simulate({
  options,
  env,
  secrets,
}: {
  options: Options;
  env: Environment;
  secrets: readonly string[];
}): Promise<number> {
  const { stdout, stderr } = process;
  const text = String(options.port ?? 0);
  // Digits only, since Number() also accepts 0x50, 1e3 and blanks.
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    stderr.write("--port must be a whole number from 0 (any free port) to 65535.\n");
    return 2;
  }
  const { settings, problems: unreadable } = parseSimulatorSettings(env);
  const problems = [...unreadable, ...(await problemsOfOrders(settings.orders, secrets))];
  if (problems.length > 0) {
    stderr.write(`The simulator could not start:\n${problems.join("\n")}\n`);
    return 1;
  }
  try {
    const simulator = await startSimulator({ ...settings, port: Number(text) });
    // The values have no character that either shell would read as more than itself.
    const setting = process.platform === "win32" ? inPowerShell : inPosixShell;
    const lines = Object.entries(simulator.environment).map(([name, value]) => `${setting(name, value)}\n`);
    stdout.write(
      `# The simulated Atlas listens at ${simulator.baseUrl} until this process ends. To use it:\n${lines.join("")}`,
    );
    await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
    await simulator.close();
    return 0;
  } catch (error) {
    const why = error instanceof Error ? createRedactor(secrets).shown(error.message, 2_000) : "unknown";
    stderr.write(`The simulator could not start: ${why}\n`);
    return 1;
  }
}
