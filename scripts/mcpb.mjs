// Packs the built files into the desktop bundle (.mcpb), in the given folder or this one. Equal sources give equal bytes.
import "./node-version.mjs";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zipSync } from "fflate";

const ROOT = join(import.meta.dirname, "..");
/** The earliest date of the zip format, in local time as the format stores it. */
const EPOCH = new Date(1980, 0, 1);

const { name, version, license, type, engines } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
const built = (await readdir(join(ROOT, "dist"))).sort().map((file) => `dist/${file}`);
const shipped = ["manifest.json", "assets/icon.png", "LICENSE", "THIRD_PARTY_NOTICES.md", ...built];

const entries = await Promise.all(shipped.map(async (file) => [file, await readFile(join(ROOT, file))]));
// Without `type`, older Node versions would treat the built files as CommonJS.
const packageJson = `${JSON.stringify({ name, version, license, type, engines, private: true }, null, 2)}\n`;
entries.push(["package.json", new TextEncoder().encode(packageJson)]);

// Not signed: desktop hosts refuse a signature after the end of the zip file.
const zip = zipSync(Object.fromEntries(entries), { level: 9, mtime: EPOCH });
const path = join(process.argv[2] ?? ROOT, `${name}-${version}.mcpb`);
await writeFile(path, zip);
const sha256 = createHash("sha256").update(zip).digest("hex");
process.stdout.write(`${path}\n${zip.length} bytes, ${entries.length} files\nSHA-256 ${sha256}\n`);
