// Checks the simulator's orders, which only the simulator's own code can read.
import { createRedactor } from "../core/redact.ts";
import { mayBeQuoted } from "./setting-text.ts";
import type { Config } from "./types.ts";

/**
 * Adds the problems of the simulator's orders to the configuration, and drops all orders if one is unusable. This loads the
 * simulator's code, so the server calls it only after its first answer to the client.
 */
export async function withOrdersChecked(config: Config): Promise<Config> {
  if (!config.simulator?.orders) return config;
  const problems = await problemsOfOrders(config.simulator.orders, config.secrets);
  if (problems.length === 0) return config;
  return {
    ...config,
    simulator: { ...config.simulator, orders: "" },
    problems: [...config.problems, ...problems],
    // The check must not pass on a simulator that behaves well when the user ordered one that misbehaves.
    unusable: [...config.unusable, "route"],
  };
}

/** What is wrong with each order that the simulator cannot read, without any of the secrets. */
export async function problemsOfOrders(orders: string, secrets: readonly string[]): Promise<string[]> {
  const { parseOrders } = await import("../simulator/faults/orders.ts");
  const { shown } = createRedactor(secrets);
  return orders.split(",").flatMap((order, index) => {
    try {
      parseOrders(order);
      return [];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // The message quotes parts of the order.
      const problem = isShowable(order)
        ? shown(error.message, 2_000)
        : `Cannot read order ${index + 1}, which is not shown, since it may be a secret. See docs/simulator.md.`;
      return [`ATLAS_FLEX_SIMULATOR_ORDERS: ${problem}`];
    }
  });
}

/** Only after an operation and an equals sign are there signs that separate words. */
function isShowable(order: string): boolean {
  return (/^\s*[a-z]+\s*=[^=]/i.test(order) ? order.split(/[=+*:@]/) : [order]).every(mayBeQuoted);
}
