import type { Credentials } from "./auth/sign.ts";
import { type Environment, settingOf } from "./environment.ts";
import { ownFailure } from "./errors.ts";
import type { SimulatorOptions } from "./simulator/settings.ts";
import { SIMULATED, startSimulator } from "./simulator/simulator.ts";
import { clean } from "./text.ts";

/** What the environment says of a simulator: its misbehaviour, the size of its files, their rate in bytes per second. */
export function simulatorOptions(env: Environment): SimulatorOptions {
  const snapshotBytes = wholeNumber(env, "ATLAS_FLEX_SIMULATOR_BYTES");
  const fileRateBytesPerSecond = wholeNumber(env, "ATLAS_FLEX_SIMULATOR_RATE");
  return {
    orders: settingOf(env, "ATLAS_FLEX_SIMULATOR_ORDERS") ?? "",
    ...(snapshotBytes === undefined ? {} : { snapshotBytes }),
    ...(fileRateBytesPerSecond === undefined ? {} : { fileRateBytesPerSecond }),
  };
}

/** Starts a simulator inside this process; rejects with `CONFIGURATION_INVALID` when its settings cannot be used. */
export async function startSimulatedTarget(env: Environment) {
  const { clientId, clientSecret } = SIMULATED;
  const options = simulatorOptions(env);
  const simulator = await startSimulator(options).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error;
    throw ownFailure(
      "CONFIGURATION_INVALID",
      { detail: `ATLAS_FLEX_SIMULATOR_ORDERS: ${clean(error.message, 2_000)}` },
      { cause: error },
    );
  });
  const credentials: Credentials = { kind: "service-account", clientId, clientSecret };
  return { baseUrl: new URL(simulator.baseUrl), credentials, close: simulator.close };
}

function wholeNumber(env: Environment, name: string): number | undefined {
  const text = settingOf(env, name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw ownFailure("CONFIGURATION_INVALID", { detail: `${name} must be a whole number.` });
}
