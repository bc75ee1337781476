import module from "node:module";
import { compileCacheFolder } from "./compile-cache.ts";

const folder = compileCacheFolder(process);
// Node 20 has no such cache.
if (folder !== undefined && "enableCompileCache" in module && typeof module.enableCompileCache === "function")
  module.enableCompileCache(folder);
await import("./main.ts");
