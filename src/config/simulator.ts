import { clean } from "../core/text.ts";
import type { SimulatorSettings } from "./config.ts";
import { type Config, type Environment, settingOf } from "./config.ts";
import { VARIABLES } from "./variables.ts";

/** As in orders. */
const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** The largest file that is saved at all. */
const MAX_BYTES = 64 * 1024 ** 3;

export function readSimulatorSettings(env: Environment, problems: string[]): SimulatorSettings {
  const bytes = (name: string): number | undefined => {
    const text = settingOf(env, name);
    if (text === undefined) return undefined;
    const [, digits, unit = ""] = /^(\d{1,15})\s*(KiB|MiB|GiB)?$/.exec(text) ?? [];
    const value = Number(digits) * (UNIT_BYTES[unit] ?? 1);
    if (value <= MAX_BYTES) return value;
    problems.push(`${name} must be a whole number, with KiB, MiB or GiB behind it if wanted, and at most 64 GiB.`);
    return undefined;
  };
  const snapshotBytes = bytes("ATLAS_FLEX_SIMULATOR_BYTES");
  const fileRateBytesPerSecond = bytes("ATLAS_FLEX_SIMULATOR_RATE");
  return {
    orders: settingOf(env, "ATLAS_FLEX_SIMULATOR_ORDERS") ?? "",
    ...(snapshotBytes === undefined ? {} : { snapshotBytes }),
    ...(fileRateBytesPerSecond === undefined ? {} : { fileRateBytesPerSecond }),
  };
}

/** A warning for each setting of the simulator that nobody asked for. */
export function idleSimulatorSettings(env: Environment): string[] {
  return VARIABLES.map(({ name }) => name)
    .filter((name) => /^ATLAS_FLEX_SIMULATOR_/.test(name) && settingOf(env, name) !== undefined)
    .map((name) => `${name} has no effect without --simulate.`);
}

/**
 * The configuration with the problems that only the simulator knows of, whose code is loaded for that: when it is asked for,
 * and not before an MCP client has its first answer. As with any setting, the default stands in for what cannot be used.
 */
export async function withOrdersChecked(config: Config): Promise<Config> {
  if (!config.simulator) return config;
  const problems = await problemsOfOrders(config.simulator.orders);
  if (problems.length === 0) return config;
  return {
    ...config,
    simulator: { ...config.simulator, orders: "" },
    problems: [...config.problems, ...problems],
    // What was to be tried is a simulator that misbehaves; one that does not would answer another question.
    unusable: [...config.unusable, "route"],
  };
}

/** What is wrong with each order that the simulator cannot read. */
export async function problemsOfOrders(orders: string): Promise<string[]> {
  const { parseOrders } = await import("../simulator/faults/orders.ts");
  return orders.split(",").flatMap((order) => {
    try {
      parseOrders(order);
      return [];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return [`ATLAS_FLEX_SIMULATOR_ORDERS: ${clean(error.message, 2_000)}`];
    }
  });
}
