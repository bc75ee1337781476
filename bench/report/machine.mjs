import { readFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { findProgram, run } from "../run/commands.mjs";

/** What the figures were measured with. */
export async function describeMachine() {
  const { dependencies = {}, devDependencies } = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  const sdk = { ...dependencies, ...devDependencies }["@modelcontextprotocol/sdk"];
  return {
    system: `${type()} ${release()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    sdk: sdk.replace("^", ""),
    curl: await versionOf("curl", ["--version"]),
    gzip: await versionOf("gzip", ["--version"]),
    openssl: await versionOf("openssl", ["version"]),
    pigz: await versionOf("pigz", ["--version"]),
  };
}

async function versionOf(program, args) {
  if ((await findProgram(program)) === undefined) return "not installed";
  return /\d+(\.\d+)+/.exec(await run(program, args))?.[0] ?? "unknown";
}
