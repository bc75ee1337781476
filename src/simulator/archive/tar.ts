const BLOCK = 512;

/** A ustar header (POSIX.1-1988) of a file, or of a directory when the name ends with a slash. */
export function tarHeader(name: string, size: number, modifiedAt: number): Buffer {
  const isDirectory = name.endsWith("/");
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  header.write(name, 0, 100);
  header.write(`${isDirectory ? "0000700" : "0000600"}\0`, 100);
  header.write(`${octal(999, 7)}\0${octal(999, 7)}\0`, 108);
  header.write(sizeField(size), 124, "latin1");
  header.write(`${octal(Math.floor(modifiedAt / 1_000), 11)}\0`, 136);
  header.write("        ", 148);
  header.write(isDirectory ? "5" : "0", 156);
  header.write("ustar\u000000mongod", 257);
  header.write("mongod", 297);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return header;
}

function sizeField(size: number): string {
  return `${size.toString(8).padStart(11, "0")}\0`;
}

/** Zeros that fill the last block of an entry. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two blocks of zeros end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** A whole archive in memory, for small contents. */
export function tarOf(entries: { name: string; content: Uint8Array }[], modifiedAt: number): Buffer {
  const parts = entries.flatMap(({ name, content }) => [
    tarHeader(name, content.length, modifiedAt),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, tarEnd()]);
}
