// Lets the file calls of single folders fail, so that many saves meet different file systems at the same time.
import { sep } from "node:path";
import { change } from "./file-calls.ts";

/** The calls of node:fs/promises that the product makes in a download folder. */
const PATH_CALLS = "open link rename unlink lstat stat readdir mkdir statfs realpath utimes".split(" ");
const FILE_CALLS = "writev writeFile read readFile stat truncate datasync sync chmod".split(" ");

/** What becomes of a call: undefined lets it through, a text is the system's code, anything else is what the call answers. */
export type Judge = (call: string, path: string) => unknown;

/** Until the test ends, the calls in each folder that is given to `judge` become what its judge says. */
export async function faultyFolders(): Promise<{ judge: (folder: string, by: Judge) => void }> {
  const judges: { folder: string; by: Judge }[] = [];
  const paths = new WeakMap<object, string>();

  async function run(call: string, path: string | undefined, work: () => Promise<unknown>): Promise<unknown> {
    const found = judges.find(({ folder }) => path === folder || path?.startsWith(`${folder}${sep}`));
    const answer = path === undefined ? undefined : found?.by(call, path);
    if (typeof answer === "string") throw Object.assign(new Error(`${answer}: ${call}`), { code: answer });
    return answer ?? work();
  }

  for (const call of PATH_CALLS)
    await change(call, (original) => async (...args) => {
      const path = String(args[0]);
      const result = await run(call, path, () => original(...args));
      if (call === "open" && result instanceof Object) paths.set(result, path);
      return result;
    });
  for (const call of FILE_CALLS)
    await change(`handle.${call}`, (original, self) => async (...args) => {
      const path = self instanceof Object ? paths.get(self) : undefined;
      return run(`handle.${call}`, path, () => original(...args));
    });
  return { judge: (folder, by) => void judges.push({ folder, by }) };
}
