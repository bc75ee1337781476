// Checks the simulator's orders, which only the simulator's own code can read.
import { clean } from "../core/text.ts";
import type { Config } from "./types.ts";

/**
 * Adds the problems of the simulator's orders to the configuration, and drops all orders if one is unusable. This loads the
 * simulator's code, so the server calls it only after its first answer to the client.
 */
export async function withOrdersChecked(config: Config): Promise<Config> {
  if (!config.simulator) return config;
  const problems = await problemsOfOrders(config.simulator.orders);
  if (problems.length === 0) return config;
  return {
    ...config,
    simulator: { ...config.simulator, orders: "" },
    problems: [...config.problems, ...problems],
    // The check must not pass on a simulator that behaves well when the user ordered one that misbehaves.
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
