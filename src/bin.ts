// Exits on a Node.js version that is too old, before loading code that needs a newer one; otherwise runs `main`.
import packageJson from "../package.json" with { type: "json" };

const needed = packageJson.engines.node.replace(">=", "");
const running = process.versions.node;
if (rankOf(running) < rankOf(needed)) {
  process.stderr.write(`${packageJson.name} needs Node.js ${needed} or newer; this is ${running}.\n`);
  process.exitCode = 1;
} else {
  const { main } = await import("./main.ts");
  await main(process.argv.slice(2), packageJson.version);
}

/** A number that orders versions. Comparing them with Intl would cost every start 5 ms and 2 MB for its data. */
function rankOf(version: string): number {
  return version
    .split(/[.-]/)
    .slice(0, 3)
    .reduce((rank, part) => rank * 1000 + Number.parseInt(part, 10), 0);
}
