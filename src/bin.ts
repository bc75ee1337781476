// Exits on a Node.js version that lacks what the program needs, before loading code that needs it; otherwise runs `main`.
import packageJson from "../package.json" with { type: "json" };

const [oldest = ""] = /[\d.]+/.exec(packageJson.engines.node) ?? [];
const running = process.versions.node;
// Added to 20.16 and 22.3: the last of what the package needs to reach both.
if (rankOf(running) < rankOf(oldest) || typeof process.getBuiltinModule !== "function") {
  process.stderr.write(
    `${packageJson.name} needs Node.js ${oldest} or newer, but not 21 or 22.0 to 22.2; this is ${running}.\n`,
  );
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
