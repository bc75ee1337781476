import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * A folder of this user's own for Node's cache of compiled code (module.enableCompileCache, Node 22.1); undefined where
 * none can be had. Code is run from it, so it must be no link and belong to this user alone; Node itself discards entries
 * of another version or another source.
 */
export function compileCacheFolder({
  platform,
  env,
  getuid,
}: Pick<NodeJS.Process, "platform" | "env" | "getuid">): string | undefined {
  try {
    const home = cacheHome(platform, env);
    // An empty HOME, or a relative XDG_CACHE_HOME, would lead into whatever folder a host starts from.
    if (!isAbsolute(home)) return undefined;
    const ours = join(home, "atlas-flex-snapshots-mcp");
    const folder = join(ours, "compile-cache");
    // One by one: where no folder can be made at all (/proc), Node's recursive mkdir never returns.
    for (const each of [home, ours, folder]) if (!existsSync(each)) mkdirSync(each, { mode: 0o700 });
    const stat = lstatSync(folder);
    const own = getuid === undefined || stat.uid === getuid();
    return stat.isDirectory() && own && (platform === "win32" || (stat.mode & 0o022) === 0) ? folder : undefined;
  } catch {
    // A home that cannot be written, or none at all: the server then starts as fast as without a cache.
    return undefined;
  }
}

function cacheHome(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string {
  if (platform === "win32") return env.LOCALAPPDATA || join(homedir(), "AppData", "Local");
  if (platform === "darwin") return join(homedir(), "Library", "Caches");
  return env.XDG_CACHE_HOME || join(homedir(), ".cache");
}
