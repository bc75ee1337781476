/** More than this many samples are told by their distribution alone. */
const MOST_KEPT = 40;

/** The middle of the samples and how far they spread; undefined when any of them could not be measured. */
export function summarize(samples) {
  if (samples.length === 0 || samples.includes(undefined)) return undefined;
  const sorted = samples.toSorted((one, other) => one - other);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    min: sorted[0],
    max: sorted.at(-1),
    ...(samples.length <= MOST_KEPT && { samples }),
  };
}

/** Between the two nearest samples where the rank falls between them. */
function quantile(sorted, share) {
  const rank = (sorted.length - 1) * share;
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  return below + (above - below) * (rank - Math.floor(rank));
}
