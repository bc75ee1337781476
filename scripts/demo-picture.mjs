// Runs the demo and draws its output, without the last step, as a terminal into docs/demo.svg.
import "./node-version.mjs";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";

const PICTURE = "docs/demo.svg";
const COLUMNS = 80;
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

const MARKS = { "→": "cyan", "←": "green" };

async function runDemo() {
  const demo = spawn(process.execPath, ["scripts/demo.mjs"], { stdio: ["ignore", "pipe", "inherit"] });
  const [output, exitCode] = await Promise.all([
    textOf(demo.stdout),
    new Promise((resolve) => demo.once("close", resolve)),
  ]);
  if (exitCode !== 0) throw new Error(`The demo ended with exit code ${exitCode}.`);
  return output;
}

/** What a reader of the README needs: everything up to the step that says how it works, and the end. */
function importantLines(output) {
  const lines = output.trimEnd().split("\n");
  const lastStep = lines.findIndex((line) => line.startsWith("4."));
  return [...lines.slice(0, lastStep), ...lines.slice(-1)];
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const span = (colour, text) => `<tspan fill="${COLOURS[colour]}">${escaped(text)}</tspan>`;

/** One line in the colours of the demo on a terminal. */
function coloured(line) {
  const [, mark, rest] = /^( {2}(?:[→←]|[█░]+))(.*)$/.exec(line) ?? [];
  if (mark) return span(MARKS[mark.trim()] ?? "dim", mark) + span("plain", rest);
  if (line.startsWith("$")) return span("dim", "$") + span("bold", line.slice(1));
  if (line.startsWith("Done.")) return span("green", line);
  return span(/^\d\./.test(line) ? "bold" : "plain", line);
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

const lines = ["$ npm run demo", ...importantLines(await runDemo())];
const widest = Math.max(...lines.map((line) => line.length));
if (widest > COLUMNS) throw new Error(`A line of the demo has ${widest} characters, more than ${COLUMNS}.`);
await writeFile(PICTURE, draw(lines));
process.stdout.write(`${PICTURE}: ${lines.length} lines\n`);
