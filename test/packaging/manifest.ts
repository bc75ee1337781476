import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

export const ROOT = join(import.meta.dirname, "../..");

/** A setting that a desktop host asks its user for. */
const Setting = z.strictObject({
  type: z.enum(["string", "directory", "file", "boolean"]),
  title: z.string().max(40),
  description: z.string(),
  required: z.literal(false),
  sensitive: z.literal(true).optional(),
  default: z.union([z.string(), z.boolean()]),
});

/** The part of manifest version 0.3 that this bundle uses; every object is strict. */
const Manifest = z.strictObject({
  manifest_version: z.literal("0.3"),
  name: z.string(),
  display_name: z.string(),
  version: z.string(),
  description: z.string().max(100),
  long_description: z.string(),
  author: z.strictObject({ name: z.string() }),
  license: z.string(),
  icon: z.string(),
  keywords: z.array(z.string()),
  privacy_policies: z.array(z.url()),
  server: z.strictObject({
    type: z.literal("node"),
    entry_point: z.string(),
    mcp_config: z.strictObject({
      command: z.literal("node"),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    }),
  }),
  tools: z.array(z.strictObject({ name: z.string(), description: z.string().max(160) })),
  prompts: z.array(
    z.strictObject({ name: z.string(), description: z.string(), arguments: z.array(z.string()), text: z.string() }),
  ),
  compatibility: z.strictObject({
    platforms: z.array(z.enum(["darwin", "linux", "win32"])),
    runtimes: z.strictObject({ node: z.string() }),
  }),
  user_config: z.record(z.string(), Setting),
});
type Manifest = z.infer<typeof Manifest>;

export function readManifest(folder: string = ROOT): Manifest {
  return Manifest.parse(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")));
}
