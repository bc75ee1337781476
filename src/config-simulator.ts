import type { Config } from "./config.ts";
import { type Environment, settingOf } from "./environment.ts";

/** How an embedded simulator is to be; what is absent has the simulator's own default. */
export interface SimulatorSettings {
  /** Its misbehaviour, as text. */
  orders: string;
  snapshotBytes?: number;
  fileRateBytesPerSecond?: number;
}

export function readSimulatorSettings(env: Environment, problems: string[]): SimulatorSettings {
  const wholeNumber = (name: string): number | undefined => {
    const text = settingOf(env, name);
    if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
    problems.push(`${name} must be a whole number.`);
    return undefined;
  };
  const snapshotBytes = wholeNumber("ATLAS_FLEX_SIMULATOR_BYTES");
  const fileRateBytesPerSecond = wholeNumber("ATLAS_FLEX_SIMULATOR_RATE");
  return {
    orders: settingOf(env, "ATLAS_FLEX_SIMULATOR_ORDERS") ?? "",
    ...(snapshotBytes === undefined ? {} : { snapshotBytes }),
    ...(fileRateBytesPerSecond === undefined ? {} : { fileRateBytesPerSecond }),
  };
}

/**
 * The configuration with the problems that only the simulator knows of, whose code is loaded for that: when it is asked for,
 * and not before an MCP client has its first answer. As with any setting, the default stands in for what cannot be used.
 */
export async function withOrdersChecked(config: Config): Promise<Config> {
  if (!config.simulator) return config;
  const { problemsOfOrders } = await import("./simulated-target.ts");
  const problems = problemsOfOrders(config.simulator.orders);
  if (problems.length === 0) return config;
  return {
    ...config,
    simulator: { ...config.simulator, orders: "" },
    problems: [...config.problems, ...problems],
  };
}
