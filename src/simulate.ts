import { once } from "node:events";
import { startSimulator } from "./simulator/simulator.ts";

/** Runs the simulator alone and prints the environment that points this server at it, until it is told to end. */
export async function simulate({ port, orders }: { port: string | undefined; orders: string }): Promise<void> {
  const number = Number(port ?? 0);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    process.stderr.write("--port must be a whole number from 0 (any free port) to 65535.\n");
    process.exitCode = 2;
    return;
  }
  const simulator = await startSimulator({ port: number, orders });
  const lines = Object.entries(simulator.environment).map(([name, value]) => `export ${name}=${value}\n`);
  process.stdout.write(
    `# The simulated Atlas listens at ${simulator.baseUrl} until this process ends. To use it:\n${lines.join("")}`,
  );
  await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
  await simulator.close();
}
