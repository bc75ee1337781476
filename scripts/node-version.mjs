// Ends a script with one line on a Node.js that is too old. Scripts import it first, before packages that would break.
import { readFileSync } from "node:fs";

const { engines, name } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const needed = engines.node.replace(">=", "");
const running = process.versions.node;
if (running.localeCompare(needed, "en", { numeric: true }) < 0) {
  process.stderr.write(`${name} needs Node.js ${needed} or newer; this is ${running}.\n`);
  process.exit(1);
}
