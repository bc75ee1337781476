/** More letters than this, and another word was meant. */
const SLIP_LETTERS = 3;

/** The known word that differs from `word` by the fewest letters, if by few. */
export function likeliest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.min(SLIP_LETTERS, Math.floor(word.length / 2));
  const [best] = known
    .map((candidate) => ({ candidate, letters: differingLetters(word, candidate, limit) }))
    .filter(({ letters }) => letters <= limit)
    .sort((a, b) => a.letters - b.letters);
  return best?.candidate;
}

/** Letters to insert, drop or replace to make one word of the other; any number above `limit` once it is more. */
function differingLetters(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  if (a === "" || b === "") return Math.max(a.length, b.length);
  if (a[0] === b[0]) return differingLetters(a.slice(1), b.slice(1), limit);
  if (limit === 0) return 1;
  const rest = [
    differingLetters(a.slice(1), b, limit - 1),
    differingLetters(a, b.slice(1), limit - 1),
    differingLetters(a.slice(1), b.slice(1), limit - 1),
  ];
  return 1 + Math.min(...rest);
}
