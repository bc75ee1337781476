// Refuses a Node.js that is too old before anything is loaded that needs a newer one, then starts `main`.
import packageJson from "../package.json" with { type: "json" };

const needed = packageJson.engines.node.replace(">=", "");
const running = process.versions.node;
if (rankOf(running) < rankOf(needed)) {
  process.stderr.write(`${packageJson.name} needs Node.js ${needed} or newer; this is ${running}.\n`);
  process.exitCode = 1;
} else {
  const { main } = await import("./main.ts");
  await main(process.argv.slice(2));
}

/** Orders versions. Intl could compare them too, but loading its data costs every start 5 ms and 2 MB. */
function rankOf(version: string): number {
  return version.split(".").reduce((rank, part) => rank * 1000 + Number.parseInt(part, 10), 0);
}
