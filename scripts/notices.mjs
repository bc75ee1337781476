// Writes THIRD_PARTY_NOTICES.md: the licence of every package whose code is in the bundle. --check only compares.
import "./node-version.mjs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "./bundle.mjs";

const ROOT = join(import.meta.dirname, "..");
const NOTICES = join(ROOT, "THIRD_PARTY_NOTICES.md");

/** undici includes llhttp compiled to WebAssembly, without its licence. */
const WITHIN = [
  { host: "undici", name: "llhttp", licence: "MIT", file: join(import.meta.dirname, "licences/llhttp.txt") },
];

/** Line endings differ between checkouts and packages. */
async function readText(path) {
  return (await readFile(path, "utf8")).replaceAll("\r\n", "\n");
}

/** The folder of the package that a bundled module comes from; undefined for our own. */
function packageFolder(module) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0];
}

async function describe(folder) {
  const { name, version, license } = JSON.parse(await readText(join(ROOT, folder, "package.json")));
  const file = (await readdir(join(ROOT, folder))).sort().find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  if (!file || typeof license !== "string") throw new Error(`${folder} does not name its licence.`);
  return { name, version, licence: license, text: (await readText(join(ROOT, folder, file))).trim() };
}

async function bundledPackages() {
  const { outputs } = await bundle({ write: false });
  const modules = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([module, { bytesInOutput }]) => (bytesInOutput > 0 ? [module] : [])),
  );
  const folders = new Set(modules.map(packageFolder).filter(Boolean));
  const packages = await Promise.all([...folders].map(describe));
  for (const { host, name, licence, file } of WITHIN) {
    const { version } = packages.find((known) => known.name === host);
    packages.push({ name, version: `in ${host} ${version}`, licence, text: (await readText(file)).trim() });
  }
  return packages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function render(packages) {
  const byText = new Map(packages.map(({ text }) => [text, []]));
  for (const { name, text } of packages) byText.get(text).push(name);
  const rows = packages.map(({ name, version, licence }) => `- ${name} (${version}): ${licence}`);
  const sections = [...byText].map(([text, names]) => `## ${names.join(", ")}\n\n\`\`\`text\n${text}\n\`\`\`\n`);
  return `# Third-party notices

The files of \`dist/\` contain code of these packages. Written by \`npm run notices\`; do not edit.

${rows.join("\n")}

${sections.join("\n")}`;
}

const text = render(await bundledPackages());
if (!process.argv.includes("--check")) {
  await writeFile(NOTICES, text);
} else if ((await readText(NOTICES)) !== text) {
  process.stderr.write("THIRD_PARTY_NOTICES.md is stale; run npm run notices.\n");
  process.exitCode = 1;
}
