/** The CRC-32 polynomial of gzip (RFC 1952), reflected. */
const POLYNOMIAL = 0xedb88320;
/** The reflected polynomials 1 and x. */
const ONE = 0x80000000;
const X = 0x40000000;

/** `POWERS[k]` is x to the power 2^k modulo the polynomial; the powers repeat after 32. */
const POWERS = Array.from({ length: 31 }).reduce<number[]>(
  (powers) => {
    const last = powers.at(-1) ?? X;
    powers.push(multiply(last, last));
    return powers;
  },
  [X],
);

/** The CRC-32 of two texts one after the other, from the CRC-32 of each and the length of the second. */
export function createCrcCombiner(): (first: number, second: number, secondLength: number) => number {
  const shifts = new Map<number, number>();

  return (first, second, secondLength) => {
    const shift = shifts.get(secondLength) ?? powerOfX(secondLength * 8);
    shifts.set(secondLength, shift);
    return (multiply(shift, first) ^ second) >>> 0;
  };
}

/** Product of two polynomials modulo POLYNOMIAL, coefficients reflected. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = ONE; bit > 0; bit >>>= 1) {
    if (a & bit) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

function powerOfX(exponent: number): number {
  let power = ONE;
  for (let [rest, k] = [exponent, 0]; rest > 0; rest = Math.floor(rest / 2), k += 1) {
    if (rest % 2 === 1) power = multiply(POWERS[k % 32] ?? ONE, power);
  }
  return power;
}
