import module from "node:module";
import { compileCacheFolder } from "./compile-cache.ts";
import { parseCommandLine } from "./config/command-line.ts";

const line = parseCommandLine(process.argv.slice(2));
const isCheck = "command" in line && line.command === "check";

// Node 20 has no such cache; the command check promises to write nothing, and runs once.
if (!isCheck && "enableCompileCache" in module && typeof module.enableCompileCache === "function") {
  const folder = compileCacheFolder(process);
  if (folder !== undefined) module.enableCompileCache(folder);
}
await (await import("./main.ts")).main(line);
