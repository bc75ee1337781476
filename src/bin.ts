import module from "node:module";
import { compileCacheFolder } from "./compile-cache.ts";

// Node 20 has no such cache; the command check promises to write nothing, and runs once.
if (
  "enableCompileCache" in module &&
  typeof module.enableCompileCache === "function" &&
  !process.argv.includes("check")
) {
  const folder = compileCacheFolder(process);
  if (folder !== undefined) module.enableCompileCache(folder);
}
await import("./main.ts");
