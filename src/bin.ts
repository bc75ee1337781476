// Refuses a Node.js that is too old before anything is loaded that needs a newer one, then starts `main`.
import packageJson from "../package.json" with { type: "json" };

const needed = packageJson.engines.node.replace(">=", "");
const running = process.versions.node;
if (running.localeCompare(needed, "en", { numeric: true }) < 0) {
  process.stderr.write(`${packageJson.name} needs Node.js ${needed} or newer; this is ${running}.\n`);
  process.exitCode = 1;
} else {
  const { main } = await import("./main.ts");
  await main(process.argv.slice(2));
}
