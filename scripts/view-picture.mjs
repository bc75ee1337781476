// Saves a simulated backup, shows the view of it as a client would, and writes its picture in the middle of the download, light and dark.
import "./node-version.mjs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const ROOT = join(import.meta.dirname, "..");
const WIDTH_PX = 560;
/** Long enough to name the backup: before that, the view has no buttons. */
const TOOL = { name: "save_flex_snapshot", arguments: { name: "orders", waitSeconds: 2 } };

const folder = await mkdtemp(join(tmpdir(), "view-picture-"));
const client = new Client(
  { name: "picture", version: "1.0.0" },
  { capabilities: { extensions: { "io.modelcontextprotocol/ui": {} } } },
);
const { outputFiles } = await build({
  entryPoints: [join(ROOT, "test/view/host-page.mjs")],
  bundle: true,
  write: false,
  format: "iife",
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(ROOT, "dist/atlas-flex-snapshots-mcp.js"), "--simulate", "--download-dir", folder],
      env: { ...process.env, ATLAS_FLEX_SIMULATOR_RATE: "6MiB" },
      stderr: "ignore",
    }),
  );
  const { tools } = await client.listTools();
  const uri = tools.find(({ name }) => name === TOOL.name)._meta.ui.resourceUri;
  const [{ text: html }] = (await client.readResource({ uri })).contents;

  const page = await browser.newPage({ viewport: { width: WIDTH_PX, height: 400 }, deviceScaleFactor: 2 });
  await page.exposeFunction("onCall", ({ name, arguments: args }) => client.callTool({ name, arguments: args }));
  await page.exposeFunction("onTold", () => ({}));
  await page.exposeFunction("onEvent", () => {});
  await page.setContent('<body style="margin: 0"></body>');
  await page.addScriptTag({ content: outputFiles[0].text });
  await page.evaluate((given) => window.mount(given), { html, capabilities: { serverTools: {} }, context: {} });
  await page.evaluate((params) => window.bridge.sendToolInput(params), { arguments: TOOL.arguments });
  await page.evaluate((params) => window.bridge.sendToolResult(params), await client.callTool(TOOL));
  const view = page.frames()[1];
  await view.getByText(/^[4-9]\d % · .* left$/).waitFor();
  for (const theme of ["light", "dark"]) {
    await page.evaluate((params) => window.bridge.sendHostContextChange(params), { theme });
    await view.waitForFunction((wanted) => document.documentElement.style.colorScheme === wanted, theme);
    await page.locator("iframe").screenshot({ path: join(ROOT, `assets/view-${theme}.png`) });
    process.stdout.write(`assets/view-${theme}.png\n`);
  }
} finally {
  await browser.close();
  await client.close();
  await rm(folder, { recursive: true, force: true });
}
