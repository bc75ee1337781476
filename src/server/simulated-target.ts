import type { Credentials } from "../auth/sign.ts";
import { clean } from "../core/text.ts";
import { parseOrders } from "../simulator/faults/orders.ts";
import type { SimulatorOptions } from "../simulator/options.ts";
import { SIMULATED, startSimulator } from "../simulator/simulator.ts";

/** What is wrong with each order that the simulator cannot read. */
export function problemsOfOrders(orders: string): string[] {
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

/** Starts a simulator inside this process. */
export async function startSimulatedTarget(options: SimulatorOptions) {
  const { clientId, clientSecret } = SIMULATED;
  const simulator = await startSimulator(options);
  const credentials: Credentials = { kind: "service-account", clientId, clientSecret };
  return { baseUrl: new URL(simulator.baseUrl), credentials, close: simulator.close };
}
