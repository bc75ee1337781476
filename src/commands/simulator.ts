import { once } from "node:events";
import { parseSimulatorSettings } from "../config/parse.ts";
import type { Environment } from "../config/readers.ts";
import { problemsOfOrders } from "../config/simulator.ts";
import { clean } from "../core/text.ts";
import { startSimulator } from "../simulator/simulator.ts";

/** Runs the simulator alone and prints the environment that points this server at it, until it is told to end; resolves with the exit code. */
export async function simulate({ port, env }: { port: string | true | undefined; env: Environment }): Promise<number> {
  const text = String(port ?? 0);
  const number = Number(text);
  // Digits only: Number() also reads 0x50, 1e3 and blanks.
  if (!/^\d{1,5}$/.test(text) || number > 65_535) {
    process.stderr.write("--port must be a whole number from 0 (any free port) to 65535.\n");
    return 2;
  }
  const { settings, problems: unreadable } = parseSimulatorSettings(env);
  const problems = [...unreadable, ...(await problemsOfOrders(settings.orders))];
  if (problems.length > 0) {
    process.stderr.write(`The simulator could not start:\n${problems.map((problem) => `${problem}\n`).join("")}`);
    return 1;
  }
  try {
    const simulator = await startSimulator({ ...settings, port: number });
    const lines = Object.entries(simulator.environment).map(([name, value]) => `export ${name}=${value}\n`);
    process.stdout.write(
      `# The simulated Atlas listens at ${simulator.baseUrl} until this process ends. To use it:\n${lines.join("")}`,
    );
    await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
    await simulator.close();
    return 0;
  } catch (error) {
    const why = error instanceof Error ? clean(error.message, 2_000) : "unknown";
    process.stderr.write(`The simulator could not start: ${why}\n`);
    return 1;
  }
}
