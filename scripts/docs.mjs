// Regenerates from the code the marked blocks of README.md and docs/, server.json, and parts of manifest.json. With --check it writes
// nothing and fails if one is stale.
import "./node-version.mjs";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { importBundled } from "./bundle.mjs";
import { clientSections } from "./docs/clients.mjs";
import { serverJson } from "./docs/server-json.mjs";

/** What the documentation is generated from. */
const SOURCES = `
  export { ADVICE, adviceFor } from "./src/atlas/hints.ts";
  export { OWN_ERRORS } from "./src/core/own-errors.ts";
  export { NO_FACTS, problem, PROBLEM_CODES } from "./src/simulator/problems.ts";
  export { API_WORDS, FILE_WORDS, OPERATIONS } from "./src/simulator/faults/words.ts";
  export { SIMULATED } from "./src/simulator/simulated.ts";
  export { CHECK_BACKUPS, checkBackupsText, SAVE_LATEST, saveLatestText } from "./src/server/prompts.ts";
  export { inputSchema } from "./src/tools/json-schema.ts";
  export { CATALOG } from "./src/tools/catalog.ts";
  export { TOOLS } from "./src/tools/index.ts";
  export { MEANINGS } from "./src/tools/tool.ts";
  export { toJSONSchema } from "zod";
  export { OPTION_SETTINGS, VARIABLES } from "./src/config/variables.ts";
  export { OPTIONS } from "./src/config/command-line.ts";
  export { CLIENTS } from "./src/commands/connect/clients.ts";
`;

const code = await importBundled({ stdin: { contents: SOURCES, resolveDir: ".", loader: "ts" } });

const codeSpan = (text) => `\`${text}\``;
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function table(headings, rows) {
  return [headings, headings.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");
}

const EFFECTS = {
  reads: "reads Atlas",
  "reads-disk": "reads the download folder",
  "creates-job": "creates a download job in Atlas",
  "writes-file": "writes a file; may create a download job",
  stops: "ends a download; may delete its unfinished part",
};

const effectOf = (wanted) => code.CATALOG.find(({ name }) => name === wanted).effect;

const firstSentence = (text) => `${text.split(/\.\s/)[0].replace(/\.$/, "")}.`;

const anchor = (name) => `docs/tools.md#${name}`;

const tools = () =>
  table(
    ["Tool", "Does", "Effect"],
    code.TOOLS.map(({ name, description }) => [
      `[${codeSpan(name)}](${anchor(name)})`,
      firstSentence(description),
      EFFECTS[effectOf(name)],
    ]),
  );

function form({ type, pattern, enum: words, minimum, maximum, maxLength }) {
  if (words) return `one of ${words.map(codeSpan).join(", ")}`;
  if (type === "integer")
    return `whole number ${maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`}`;
  if (type === "boolean") return "`true` or `false`";
  return [pattern && codeSpan(pattern), maxLength && `at most ${maxLength} characters`].filter(Boolean).join(", ");
}

const withinOf = (schema) => (schema.type === "array" ? schema.items : schema);

function answerForm({ type, items }) {
  const one = { string: "text", number: "number", boolean: "`true` or `false`", object: "object" };
  return type === "array" ? `list of ${one[items.type] ?? items.type}s` : (one[type] ?? type);
}

/** A row for each field of an answer: path, form, whether it is always there, meaning. A field without a meaning throws. */
function answerRows({ properties, required = [] }, prefix = "") {
  return Object.entries(properties)
    .filter(([name]) => name !== "nextStep")
    .flatMap(([name, schema]) => {
      const path = `${prefix}${name}`;
      const { meaning } = schema;
      if (meaning === undefined) throw new Error(`src/tools does not say what ${path} means.`);
      const fields = Object.keys(withinOf(schema).properties ?? {}).map(codeSpan);
      const isWhole = fields.length === 0 || meaning.includes("{fields}");
      const always = required.includes(name) ? "yes" : "no";
      const row = [codeSpan(path), answerForm(schema), always, meaning.replace("{fields}", fields.join(", "))];
      return isWhole ? [row] : [row, ...answerRows(withinOf(schema), `${path}${schema.type === "array" ? "[]" : ""}.`)];
    });
}

function toolSection({ name, title, description, input, output }) {
  const { properties, required = [] } = code.inputSchema(input);
  const rows = Object.entries(properties).map(([argument, schema]) => [
    codeSpan(argument),
    required.includes(argument) ? "required" : schema.default === undefined ? "optional" : `default ${schema.default}`,
    form(schema),
    schema.description ?? "",
  ]);
  return [
    `## ${name}`,
    `${title}. Effect: ${EFFECTS[effectOf(name)]}.`,
    description,
    rows.length > 0 ? table(["Argument", "Needed", "Form", "Meaning"], rows) : "It takes no arguments.",
    "It answers with:",
    table(
      ["Field", "Form", "Always", "Meaning"],
      answerRows(code.toJSONSchema(output, { io: "output", metadata: code.MEANINGS })),
    ),
  ].join("\n\n");
}

const isSimulators = ({ name }) => name.startsWith("ATLAS_FLEX_SIMULATOR_");

const configuration = () =>
  table(
    ["Variable", "Option", "Meaning"],
    code.VARIABLES.filter((variable) => !isSimulators(variable)).map(({ name, does, secret, alias }) => {
      const setting = code.OPTION_SETTINGS.find((known) => known.name === name);
      const isSwitch = setting !== undefined && setting.value === undefined;
      return [
        codeSpan(name),
        setting ? codeSpan(isSwitch ? `--${setting.option}` : `--${setting.option} ${setting.value}`) : "",
        [
          isSwitch ? `\`true\`: ${does[0].toLowerCase()}${does.slice(1)}` : does,
          secret && `Or ${codeSpan(`${name}_FILE`)}.`,
          alias && `Read too: ${codeSpan(alias)}${secret ? " (and its `_FILE`)" : ""}.`,
        ]
          .filter(Boolean)
          .join(" "),
      ];
    }),
  );

/** The options that a command has besides those of every command. */
const optionsOf = (command) => () =>
  table(
    ["Option", "Meaning"],
    Object.entries(code.OPTIONS)
      .filter(([, { only }]) => only?.includes(command))
      .map(([name, { value, does }]) => [codeSpan(value === undefined ? `--${name}` : `--${name} ${value}`), does]),
  );

const simulatorVariables = () =>
  table(
    ["Variable", "Meaning"],
    code.VARIABLES.filter(isSimulators).map(({ name, does }) => [codeSpan(name), does]),
  );

const later = (retryable) => (retryable ? "yes" : "no");

const ownErrors = () =>
  table(
    ["Code", "Source", "What happened", "What to do", "Same call may work later"],
    Object.entries(code.OWN_ERRORS).map(([name, { source, meaning, hint, retryable }]) => [
      codeSpan(name),
      source,
      meaning,
      hint,
      later(retryable),
    ]),
  );

/** Placeholders for the ids that Atlas puts into a message. */
const SOMETHING = Object.fromEntries(Object.keys(code.NO_FACTS).map((fact) => [fact, "…"]));

/** The status and wording that Atlas documents, where the simulator knows them. */
function documented(name) {
  if (!code.PROBLEM_CODES.includes(name)) {
    const current = name.replace("WHITELIST", "ACCESS_LIST");
    if (!code.PROBLEM_CODES.includes(current)) throw new Error(`src/simulator/problems.ts does not know ${name}.`);
    return { status: "", meaning: `The older name of ${current}.` };
  }
  const { status, body } = code.problem(name, SOMETHING);
  return { status: String(status), meaning: body.detail };
}

const atlasErrors = () =>
  table(
    ["Code", "HTTP", "What happened", "What to do", "Same call may work later"],
    Object.keys(code.ADVICE).map((name) => {
      const { status, meaning } = documented(name);
      const { hint, retryable } = code.adviceFor(Number(status), name);
      return [codeSpan(name), status, meaning, hint, later(retryable)];
    }),
  );

const statuses = () =>
  table(
    ["HTTP", "What to do", "Same call may work later"],
    [
      ["401", 401],
      ["403", 403],
      ["404", 404],
      ["408, 425, 499", 408],
      ["409", 409],
      ["410", 410],
      ["429", 429],
      ["500 and above", 500],
      ["any other", 400],
    ].map(([shown, status]) => {
      const { hint, retryable } = code.adviceFor(status, undefined);
      return [shown, hint, later(retryable)];
    }),
  );

const words = (list) =>
  table(
    ["Fault", "What happens"],
    Object.entries(list).map(([word, { does, takes, only }]) => [
      codeSpan(takes ? `${word}@${takes}` : word),
      only && only.length <= 3 ? `${does} Only with ${only.map(codeSpan).join(", ")}.` : does,
    ]),
  );

const { SIMULATED } = code;
const simulatedIds = () =>
  table(
    ["What", "Value"],
    [
      ["Project", SIMULATED.groupId],
      ["Flex cluster", SIMULATED.name],
      ["Its newest snapshot; a download job of it takes four seconds", SIMULATED.snapshotId],
      ["The snapshot before; a download job of it is complete at once", SIMULATED.downloadedSnapshotId],
      ["A snapshot that failed", SIMULATED.failedSnapshotId],
      ["A download job that is complete from the start", SIMULATED.restoreJobId],
      ["A project without Flex clusters", SIMULATED.emptyGroupId],
      ["A project that the credentials may not see", SIMULATED.foreignGroupId],
      ["A cluster whose newest snapshot is still being taken", SIMULATED.runningSnapshot.name],
      ["A cluster without snapshots", SIMULATED.freshName],
      ["A cluster that is not Flex", SIMULATED.dedicatedName],
      ["A cluster whose files are not data directories", SIMULATED.reports.name],
      ["A project that also has a cluster of that name", SIMULATED.archive.groupId],
    ].map(([what, value]) => [what, codeSpan(value)]),
  );

const BLOCKS = {
  clients: () => clientSections(code.CLIENTS),
  tools,
  configuration,
  "options-check": optionsOf("check"),
  "options-save": optionsOf("save"),
  "options-status": optionsOf("status"),
  "simulator-variables": simulatorVariables,
  "tool-reference": () => code.TOOLS.map(toolSection).join("\n\n"),
  "own-errors": ownErrors,
  "atlas-errors": atlasErrors,
  "http-statuses": statuses,
  "simulated-ids": simulatedIds,
  "simulator-operations": () => [...code.OPERATIONS, "api"].map(codeSpan).join(", "),
  "simulator-api-words": () => words(code.API_WORDS),
  "simulator-file-words": () => words(code.FILE_WORDS),
};

function regenerate(text, path) {
  return text.replace(/(<!-- generated: ([a-z-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, start, name, end) => {
    if (!Object.hasOwn(BLOCKS, name)) throw new Error(`${path} asks for an unknown block: ${name}`);
    return `${start}${BLOCKS[name]()}\n${end}`;
  });
}

/** The manifest of the desktop bundle with the present version, tools and prompts. */
function regenerateManifest(text) {
  const { SAVE_LATEST, CHECK_BACKUPS } = code;
  const [cluster, project] = SAVE_LATEST.arguments.map((argument) => `\${arguments.${argument.name}}`);
  // Hosts send one text whether or not the person gave a project.
  const save = `${code.saveLatestText(cluster, undefined)} The id of its project (groupId), if I gave one: "${project}".`;
  const promptOf = ({ name, description, arguments: args = [] }, text) => ({
    name,
    description,
    arguments: args.map((argument) => argument.name),
    text,
  });
  const manifest = {
    ...JSON.parse(text),
    version: JSON.parse(readFileSync("package.json", "utf8")).version,
    tools: code.TOOLS.map((tool) => ({ name: tool.name, description: firstSentence(tool.description) })),
    prompts: [promptOf(SAVE_LATEST, save), promptOf(CHECK_BACKUPS, code.checkBackupsText())],
  };
  return formatted(manifest, "manifest.json");
}

function formatted(value, name) {
  const root = join(import.meta.dirname, "..");
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  return execFileSync(process.execPath, [biome, "format", `--config-path=${root}`, `--stdin-file-path=${name}`], {
    input: JSON.stringify(value),
    encoding: "utf8",
  });
}

/** How each file is made from what it is now; a page keeps all but its marked blocks. */
const MADE = {
  "manifest.json": regenerateManifest,
  "server.json": () => formatted(serverJson(code, JSON.parse(readFileSync("package.json", "utf8"))), "server.json"),
};

const pages = (await readdir("docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
const check = process.argv.includes("--check");
const stale = [];
for (const path of ["README.md", ...Object.keys(MADE), ...pages]) {
  const text = await readFile(path, "utf8");
  const fresh = (MADE[path] ?? regenerate)(text, path);
  if (fresh === text) continue;
  stale.push(path);
  if (!check) await writeFile(path, fresh);
}
for (const path of stale) process.stdout.write(check ? `${path} is stale; run npm run docs.\n` : `${path} written.\n`);
if (check && stale.length > 0) process.exitCode = 1;
