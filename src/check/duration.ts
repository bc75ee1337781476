const UNITS = [
  { name: "days", ms: 86_400_000 },
  { name: "hours", ms: 3_600_000 },
  { name: "minutes", ms: 60_000 },
];

/** A time span in the largest unit of which it has at least two. */
export function duration(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= 2 * candidate.ms) ?? { name: "seconds", ms: 1_000 };
  return `${Math.round(ms / unit.ms)} ${unit.name}`;
}
