// Makes one HTML page of src/view/: scripts and styles minified, inlined, and named by their hashes in the page's own policy.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");

async function minified(entryPoint, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, "src/view", entryPoint)],
    bundle: true,
    minify: true,
    write: false,
    legalComments: "none",
    target: "es2022",
    ...options,
  });
  return outputFiles[0].text.trim();
}

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export async function viewPage() {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const [html, style, script] = await Promise.all([
    readFile(join(ROOT, "src/view/page.html"), "utf8"),
    // esbuild leaves blanks in the values of variables.
    minified("page.css").then((css) => css.replaceAll(/([:,]) /g, "$1")),
    minified("page.ts", {
      format: "iife",
      define: { VERSION: JSON.stringify(version) },
      // Fields of the view alone, which no answer and no document has.
      mangleProps: /^(?:phase|project|rate|reason|isUnsound|claim)$/,
    }),
  ]);
  if (/<\/(?:script|style)/i.test(script + style))
    throw new Error("scripts/view.mjs: the page would end its own block.");
  const policy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}`;
  return (
    html
      .replaceAll(/\r?\n/g, "")
      // A paragraph ends where the next one begins or its parent ends (HTML section 13.1.2.4); a word needs no quotation marks.
      .replaceAll(/<\/p>(?=<(?:p[ >]|div|\/main))/g, "")
      .replaceAll(/(?<!http-equiv)="([\w-]+)"/g, "=$1")
      .replace("default-src 'none'", () => policy)
      .replace("<style></style>", () => `<style>${style}</style>`)
      .replace("<script></script>", () => `<script>${script}</script>`)
  );
}
