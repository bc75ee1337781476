// Runs the demo and draws the important lines of its output as a terminal into docs/demo.svg.
import "./node-version.mjs";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";

const PICTURE = "docs/demo.svg";
const COLUMNS = 104;
const FONT_PX = 13;
/** The same in every font listed below, within a few hundredths. */
const CHARACTER_PX = 7.83;
const LINE_PX = 18;
const MARGIN_PX = 20;

/** Dark on light and dark pages: the frame belongs to the terminal, so the text is readable on any background. */
const COLOURS = {
  frame: "#0d1117",
  edge: "#30363d",
  plain: "#c9d1d9",
  bold: "#f0f6fc",
  dim: "#8b949e",
  green: "#3fb950",
  cyan: "#39c5cf",
};

/** The fields of answers that the picture shows. */
const FIELDS = [
  "groupId",
  "latestCompleteSnapshotId",
  "ageHours",
  "status",
  "snapshotUrl",
  "linkExpiresInSeconds",
  "state",
  "path",
  "bytes",
  "when",
  "size",
  "sha256",
  "gzip",
  "recordedSha256",
  "kind",
];
/** A field of an answer, or a command of its `restore`. */
const FIELD = new RegExp(`^ {2}← +"(${FIELDS.join("|")}|tar -xzof|mongod --dbpath)[" ]`);

async function runDemo() {
  const demo = spawn(process.execPath, ["scripts/demo.mjs"], { stdio: ["ignore", "pipe", "inherit"] });
  const [output, exitCode] = await Promise.all([
    textOf(demo.stdout),
    new Promise((resolve) => demo.once("close", resolve)),
  ]);
  if (exitCode !== 0) throw new Error(`The demo ended with exit code ${exitCode}.`);
  return output;
}

/** Headings, calls, each of `FIELDS` once per answer, and progress with figures; paths start at the home folder. */
function importantLines(output) {
  let shown = new Set();
  const isShown = (line) => {
    if (/^ {2}[█░]/.test(line)) return /MB|The job/.test(line);
    if (/^ {2}→/.test(line)) shown = new Set();
    const [, field] = FIELD.exec(line) ?? [];
    if (field === undefined) return /^(\d\.|Done\.)|^ {2}→/.test(line);
    const isNew = !shown.has(field);
    shown.add(field);
    return isNew;
  };
  return output
    .replaceAll(process.cwd(), "~/atlas-flex-snapshots-mcp")
    .split("\n")
    .filter(isShown)
    .map((line) => line.replace(/,$/, "").replace(/← +/, "← "));
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const cut = (text) => ([...text].length > COLUMNS ? `${[...text].slice(0, COLUMNS - 1).join("")}…` : text);
const span = (colour, text) => `<tspan fill="${COLOURS[colour]}">${escaped(text)}</tspan>`;

/** One line in the colours of the demo on a terminal. */
function coloured(line) {
  const call = /^( {2}→)( \S+ )(.*)$/.exec(line);
  if (call) return [span("cyan", call[1]), span("plain", call[2]), span("dim", call[3])].join("");
  const field = /^( {2}←)(.*)$/.exec(line);
  if (field) return span("green", field[1]) + span("plain", field[2]);
  if (line.startsWith("$")) return span("dim", "$") + span("bold", line.slice(1));
  if (line.startsWith("Done.")) return span("green", line);
  return span(/^\d\./.test(line) ? "bold" : "dim", line);
}

function draw(lines) {
  const width = Math.ceil(COLUMNS * CHARACTER_PX + 2 * MARGIN_PX);
  const height = lines.length * LINE_PX + 2 * MARGIN_PX;
  const rows = lines.map((line, row) => {
    const y = MARGIN_PX + (row + 0.75) * LINE_PX;
    return `    <text x="${MARGIN_PX}" y="${y}" xml:space="preserve">${coloured(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
  <title>Output of npm run demo</title>
  <rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${COLOURS.frame}" stroke="${COLOURS.edge}"/>
  <g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${FONT_PX}px">
${rows.join("\n")}
  </g>
</svg>
`;
}

const lines = [
  "$ npm run demo",
  ...importantLines(await runDemo()).flatMap((line) => (/^(\d\.|Done\.)/.test(line) ? ["", line] : [line])),
];
await writeFile(PICTURE, draw(lines.map(cut)));
process.stdout.write(`${PICTURE}: ${lines.length} lines\n`);
