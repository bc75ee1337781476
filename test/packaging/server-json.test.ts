import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { SECRET_VARIABLES, VARIABLES } from "../../src/config/variables.ts";
import { serverWith } from "../fixtures.ts";
import { ROOT, readManifest } from "./manifest.ts";

/** A version, and no range of versions. */
const Version = z.string().regex(/^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/);

const Variable = z.strictObject({
  name: z.string(),
  description: z.string().min(1),
  isRequired: z.boolean(),
  isSecret: z.boolean(),
  format: z.enum(["string", "number", "boolean", "filepath"]),
  default: z.string().optional(),
});

const common = { version: Version, transport: z.strictObject({ type: z.literal("stdio") }) };
const rest = { ...common, environmentVariables: z.array(Variable).optional() };
const Package = z.discriminatedUnion("registryType", [
  z.strictObject({ registryType: z.literal("npm"), identifier: z.string(), runtimeHint: z.literal("npx"), ...rest }),
  z.strictObject({
    registryType: z.literal("mcpb"),
    identifier: z.url({ protocol: /^https$/ }),
    fileSha256: z.string().regex(/^[a-f0-9]{64}$/),
    ...rest,
  }),
]);

/** What the registry takes (its schema of 2025-12-11). It fills in the address of npm's registry itself. */
const ServerJson = z.strictObject({
  $schema: z.literal("https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"),
  name: z.string().regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: Version,
  repository: z.strictObject({ url: z.url({ protocol: /^https$/ }), source: z.literal("github") }).optional(),
  websiteUrl: z.url({ protocol: /^https$/ }).optional(),
  icons: z.array(z.strictObject({ src: z.url({ protocol: /^https$/ }), mimeType: z.string() })).optional(),
  packages: z.array(Package).min(1),
});

const serverJson = ServerJson.parse(JSON.parse(readFileSync(join(ROOT, "server.json"), "utf8")));
const [npm] = serverJson.packages;

test("the registry's entry names this package, its version and its title", async () => {
  const { name, version, mcpName, description } = packageJson;
  expect(serverJson).toMatchObject({ name: mcpName, version, description });
  expect(npm).toMatchObject({ registryType: "npm", identifier: name, version });
  const { client } = await serverWith();
  expect([serverJson.title, readManifest().display_name]).toEqual(Array(2).fill(client.getServerVersion()?.title));
});

test("the registry's entry lists every variable, and marks each that may hold a secret", () => {
  const listed = npm?.environmentVariables ?? [];
  const settings = VARIABLES.map(({ name }) => name).filter((name) => !name.startsWith("ATLAS_FLEX_SIMULATOR_"));
  expect(listed.map(({ name }) => name).filter((name) => !name.endsWith("_FILE"))).toEqual(settings);
  const secret = listed.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  const known = SECRET_VARIABLES.filter((name) => settings.includes(name));
  expect(secret.toSorted()).toEqual([...known, "HTTPS_PROXY", "HTTP_PROXY"].toSorted());
  for (const name of known)
    expect(listed).toContainEqual(expect.objectContaining({ name: `${name}_FILE`, format: "filepath" }));
});

test("the owner's name stands in one form wherever it is missing, and CONTRIBUTING lists what needs it", () => {
  const isOpen = packageJson.mcpName.includes("OWNER");
  const contributing = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  expect(contributing.includes("OWNER")).toBe(isOpen);
  expect("repository" in packageJson).toBe(!isOpen);
});
