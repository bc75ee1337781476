// What only the simulator knows of its settings: which orders it understands.
import { clean } from "../core/text.ts";
import type { Config } from "./config.ts";

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
