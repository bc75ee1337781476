import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { parseConfig } from "../../src/config/parse.ts";
import { SECRET_VARIABLES } from "../../src/config/variables.ts";
import { ATLAS_ACCESS_PAGE } from "../../src/core/own-errors.ts";
import { serverWith } from "../fixtures.ts";
import { ROOT, readManifest } from "./manifest.ts";

const manifest = readManifest();
const { args, env } = manifest.server.mcp_config;
const settings = Object.entries(manifest.user_config);

/** The names of the variables that the configuration reads. */
function variablesRead(): ReadonlySet<string> {
  const read = new Set<string>();
  const spied = new Proxy<Record<string, string>>(
    {},
    {
      get(_, name) {
        read.add(String(name));
        return undefined;
      },
    },
  );
  parseConfig({ options: {}, env: spied, toolNames: [] });
  return read;
}

test("tools, prompts, name and version are those of the built server", async () => {
  const { client } = await serverWith();
  const { tools } = await client.listTools();
  const { prompts } = await client.listPrompts();
  expect(manifest.tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
  expect(manifest.prompts.map(({ name, arguments: names }) => [name, names])).toEqual(
    prompts.map(({ name, arguments: declared = [] }) => [name, declared.map((argument) => argument.name)]),
  );
  expect(manifest.version).toBe(client.getServerVersion()?.version);
  expect(manifest.display_name).toBe(client.getServerVersion()?.title);
});

test("name, version, licence, author and Node version are those of the package", () => {
  const { name, version, license, author, compatibility } = manifest;
  expect({ name, version, license, author: author.name, engines: compatibility.runtimes }).toEqual({
    name: packageJson.name,
    version: packageJson.version,
    license: packageJson.license,
    author: packageJson.author,
    engines: packageJson.engines,
  });
  expect(version).toMatch(/^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/);
  expect(name).toMatch(/^[a-z0-9-]+$/);
});

test("each prompt's text uses each of its arguments and nothing else", () => {
  for (const { text, arguments: names } of manifest.prompts)
    expect(new Set([...text.matchAll(/\$\{([^}]*)\}/g)].map(([, name]) => name))).toEqual(
      new Set(names.map((name) => `arguments.${name}`)),
    );
});

test("the entry point is the package's command, it exists, and the host starts it", () => {
  const { entry_point } = manifest.server;
  expect(entry_point).toBe(packageJson.bin["atlas-flex-snapshots-mcp"]);
  expect(existsSync(join(ROOT, entry_point))).toBe(true);
  expect(args).toEqual([`\${__dirname}/${entry_point}`]);
});

test("every setting reaches exactly one variable, and every variable is one that the configuration or Node.js reads", () => {
  expect(Object.values(env).toSorted()).toEqual(settings.map(([key]) => `\${user_config.${key}}`).toSorted());
  const read = new Set([...variablesRead(), "NODE_EXTRA_CA_CERTS"]);
  for (const variable of Object.keys(env)) expect(read).toContain(variable);
});

test("the page of Atlas that gives credentials has the same name as in the hints", () => {
  const named = settings.filter(([, { description }]) => description.includes("Project Identity & Access"));
  expect(named.length).toBeGreaterThan(0);
  for (const [key, { description }] of named) expect(description, key).toContain(ATLAS_ACCESS_PAGE);
});

test("exactly the secrets, and the proxy that may contain a password, are marked as sensitive", () => {
  const secret = [...SECRET_VARIABLES, "HTTPS_PROXY"];
  const keys = Object.entries(env).flatMap(([name, value]) => (secret.includes(name) ? [value] : []));
  const sensitive = settings.flatMap(([key, setting]) => (setting.sensitive ? [`\${user_config.${key}}`] : []));
  expect(sensitive).toEqual(keys);
  for (const [, setting] of settings) if (setting.sensitive) expect(setting.default).toBe("");
});

test("every setting says where its value comes from and what happens when it is empty", () => {
  for (const [key, { type, description, default: fallback }] of settings) {
    expect(typeof fallback, key).toBe(type === "boolean" ? "boolean" : "string");
    if (type === "boolean") continue;
    expect(description, key).toMatch(/\bin Atlas\b|\bfrom Atlas\b|Leave empty/i);
    if (!/key|client|token/.test(key)) expect(description, key).toContain("Leave empty");
  }
});

test("the icon is a PNG of 512 by 512 pixels", () => {
  const png = readFileSync(join(ROOT, manifest.icon));
  expect(png.subarray(0, 8)).toEqual(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
  expect(png.toString("latin1", 12, 16)).toBe("IHDR");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([512, 512]);
});
