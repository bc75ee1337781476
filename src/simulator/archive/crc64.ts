/** The polynomial of CRC-64/XZ (Go: crc64.ECMA), reflected; mongodump archives carry it for each collection. */
const POLYNOMIAL = 0xc96c5795d7870f42n;
const ALL_ONES = 0xffffffffffffffffn;

export function crc64(bytes: Uint8Array): bigint {
  let crc = ALL_ONES;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return crc ^ ALL_ONES;
}
