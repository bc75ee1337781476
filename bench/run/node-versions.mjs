import { run } from "./commands.mjs";

/** The Node.js whose compile cache is measured: the newest long-term one. */
export const LATER_NODE = 24;

/** The program of that version, as npm's own package brings it; undefined when it cannot be had. */
export async function laterNode() {
  try {
    const path = await run("npx", ["-y", "-p", `node@${LATER_NODE}`, "-c", "node -p process.execPath"]);
    return path.trim();
  } catch {
    return undefined; // No network and nothing in npm's cache: the rows then say that they were not measured.
  }
}
