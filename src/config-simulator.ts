import { type Environment, settingOf } from "./environment.ts";
import { VARIABLES } from "./variables.ts";

/** How an embedded simulator is to be; what is absent has the simulator's own default. */
export interface SimulatorSettings {
  /** Its misbehaviour, as text. */
  orders: string;
  snapshotBytes?: number;
  fileRateBytesPerSecond?: number;
}

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
