// Draws the icon: as a file for the desktop bundle, and small, as the data that the server sends with its name.
import "./node-version.mjs";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
/** Larger than clients show it, and small enough to be sent at every start. */
const SMALL_PIXELS = 32;
const MAX_SMALL_BYTES = 1500;

const drawn = (pixels) =>
  execFileSync("rsvg-convert", ["--width", pixels, "--height", pixels, join(ROOT, "assets/icon.svg")].map(String));

writeFileSync(join(ROOT, "assets/icon.png"), drawn(512));

const small = drawn(SMALL_PIXELS);
if (small.length > MAX_SMALL_BYTES)
  throw new Error(`The small icon has ${small.length} bytes, more than ${MAX_SMALL_BYTES}.`);
const lines = [
  "// The icon that clients show beside the name, as PNG. Written by `npm run icon` from assets/icon.svg.",
  "export const ICONS = [",
  "  {",
  `    src: "data:image/png;base64,${small.toString("base64")}",`,
  '    mimeType: "image/png",',
  `    sizes: ["${SMALL_PIXELS}x${SMALL_PIXELS}"],`,
  "  },",
  "];",
];
writeFileSync(join(ROOT, "src/server/icon.ts"), `${lines.join("\n")}\n`);
