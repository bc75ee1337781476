import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Puts a program of Node.js into a folder. It ends with what its body returns, and `words` are its arguments. */
export async function stub(folder: string, name: string, body: string): Promise<void> {
  const text = `#!${process.execPath}\nconst fs = require("node:fs");\nconst words = process.argv.slice(2);\n${body}\n`;
  await writeFile(join(folder, name), text, { mode: 0o755 });
}

/** The environment of a program that finds the stubs of a folder first. */
export const withStubs = (folder: string) => ({ PATH: `${folder}${delimiter}${process.env.PATH ?? ""}` });
