// Ends a script with one line on a Node.js that the package does not support. Scripts import it first, before packages that would break.
import { readFileSync } from "node:fs";

const { engines, name } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const [oldest] = /[\d.]+/.exec(engines.node);
const running = process.versions.node;
if (running.localeCompare(oldest, "en", { numeric: true }) < 0 || !process.getBuiltinModule) {
  process.stderr.write(`${name} needs Node.js ${oldest} or newer, but not 21 or 22.0 to 22.2; this is ${running}.\n`);
  process.exit(1);
}
