/**
 * Runs every variant once per round, in another order each time, so that whatever else the machine does hits all alike.
 * Resolves with the samples of each variant.
 */
export async function interleave(rounds, variants, note) {
  const samples = variants.map(() => []);
  for (let round = 1; round <= rounds; round += 1) {
    note(`round ${round} of ${rounds}`);
    for (const index of shuffled(variants.keys())) samples[index].push(await variants[index].run());
  }
  return samples;
}

function shuffled(indices) {
  return [...indices]
    .map((index) => ({ index, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ index }) => index);
}
