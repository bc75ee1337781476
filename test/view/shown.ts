import { join } from "node:path";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernTransport } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { build } from "esbuild";
import { type Browser, chromium, type Frame, type Page } from "playwright-core";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { BUILT, temporaryFolder } from "../fixtures.ts";

export const ERAS = ["2025-11-25", "2026-07-28"] as const;
export type Era = (typeof ERAS)[number];

type Result = Record<string, unknown>;

/** A real client that announces the extension, with the built server over stdio behind it. */
export interface Server {
  call: (name: string, args: Record<string, unknown>) => Promise<Result>;
  /** The page that the tool's definition leads to. */
  html: string;
  folder: string;
}

export const EXTENSIONS = {
  extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
};

export async function serverOf(era: Era, args: string[] = [], env: Record<string, string> = {}): Promise<Server> {
  const home = await temporaryFolder();
  const folder = join(home, "snapshots");
  const start = {
    command: process.execPath,
    args: [BUILT, "--simulate", ...args],
    env: { PATH: process.env.PATH ?? "", HOME: home, ATLAS_FLEX_DOWNLOAD_DIR: folder, ...env },
    stderr: "ignore" as const,
  };
  const info = { name: "host", version: "1.0.0" };
  const client =
    era === "2025-11-25"
      ? new Client(info, { capabilities: EXTENSIONS })
      : new ModernClient(info, { capabilities: EXTENSIONS, versionNegotiation: { mode: { pin: "2026-07-28" } } });
  if (client instanceof Client) await client.connect(new StdioClientTransport(start));
  else await client.connect(new ModernTransport(start));
  onTestFinished(() => client.close());
  const { tools } = await client.listTools();
  const ui = tools.find(({ name }) => name === "save_flex_snapshot")?._meta?.ui;
  const uri = ui instanceof Object && "resourceUri" in ui ? String(ui.resourceUri) : "none";
  const [content] = (await client.readResource({ uri })).contents;
  return {
    folder,
    html: content && "text" in content ? content.text : "",
    call: async (name, given) => ({ ...(await client.callTool({ name, arguments: given })) }),
  };
}

const pages = new Map<string, Promise<string>>();

/** The page of a server with these options, for tests that answer in the server's place. */
export function pageFor(...args: string[]): Promise<string> {
  const key = args.join(" ");
  const page = pages.get(key) ?? serverOf("2025-11-25", args).then(({ html }) => html);
  pages.set(key, page);
  return page;
}

let browser: Browser;
let script = "";

/** Starts the browser for the tests of a file. */
export function withBrowser(): void {
  beforeAll(async () => {
    const entry = join(import.meta.dirname, "host-page.mjs");
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "iife" });
    script = outputFiles[0]?.text ?? "";
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ],
    });
  }, 60_000);
  afterAll(() => browser?.close());
}

interface HostOptions {
  /** What the host lets the view do. */
  capabilities?: Record<string, object>;
  context?: Record<string, unknown>;
  width?: number;
  colorScheme?: "light" | "dark";
  /** The test moves the clock of the page, with `page.clock`. */
  hasOwnClock?: boolean;
}

export interface Shown {
  page: Page;
  view: Frame;
  /** The calls of the view, in order. */
  calls: { name: string; args: Record<string, unknown> }[];
  /** What the view told the model. */
  told: string[];
  /** Requests of the page to any network, and what it reported as an error. */
  outside: string[];
  errors: string[];
  /** Lets the time of a page with a clock of its own pass, so that the view looks. */
  pass: (ms: number) => Promise<void>;
  /** Notifies the view as its host. */
  send: (
    kind: "ToolInput" | "ToolInputPartial" | "ToolResult" | "ToolCancelled" | "HostContextChange",
    params: object,
  ) => Promise<void>;
  text: (id: string) => Promise<string>;
  /** The names of the buttons that are to be seen. */
  buttons: () => Promise<string[]>;
}

/** Shows a page in a frame of a host; `call` answers what the view asks of the server. */
export async function show(
  html: string,
  call: (name: string, args: Record<string, unknown>) => Promise<Result>,
  { capabilities = { serverTools: {}, updateModelContext: { text: {} } }, context = {}, ...options }: HostOptions = {},
): Promise<Shown> {
  const { width = 640, hasOwnClock = false, ...looks } = options;
  const page = await browser.newPage({ viewport: { width, height: 700 }, ...looks });
  onTestFinished(() => page.close());
  if (hasOwnClock) await page.clock.install();
  const calls: Shown["calls"] = [];
  const told: string[] = [];
  const outside: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => outside.push(request.url()));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.exposeFunction("onCall", (params: { name: string; arguments: Record<string, unknown> }) => {
    calls.push({ name: params.name, args: params.arguments });
    return call(params.name, params.arguments);
  });
  await page.exposeFunction("onTold", ({ content }: { content: { text: string }[] }) => {
    told.push(content.map(({ text }) => text).join(" "));
    return {};
  });
  await page.exposeFunction("onEvent", () => {});
  await page.setContent('<!doctype html><html lang="en"><title>Host</title><body style="margin: 0"></body>');
  await page.addScriptTag({ content: script });
  const evaluate = (expression: string) => page.evaluate(expression);
  await evaluate(`mount(${JSON.stringify({ html, capabilities, context })})`);
  const view = page.frames()[1];
  if (!view) throw new Error("The host has no frame");
  return {
    ...{ page, view, calls, told, outside, errors },
    pass: (ms) => page.clock.runFor(ms),
    send: async (kind, params) => void (await evaluate(`bridge.send${kind}(${JSON.stringify(params)})`)),
    text: async (id) => (await view.locator(`#${id}`).textContent()) ?? "",
    buttons: () => view.locator("button:visible").allTextContents(),
  };
}

/** The model calls the tool, and its host shows the view meanwhile. */
export async function saveShown(
  server: Server,
  args: Record<string, unknown>,
  options: HostOptions = {},
): Promise<Shown> {
  const shown = await show(server.html, server.call, options);
  await shown.send("ToolInput", { arguments: args });
  await shown.send("ToolResult", await server.call("save_flex_snapshot", args));
  return shown;
}
