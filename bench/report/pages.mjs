// Writes the results: the summary docs/bench.json, and from it docs/bench.md, docs/bench.svg and the table of README.md.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { findProgram, ROOT, run } from "../run/processes.mjs";
import { asMarkdown, figure, judge, medianOf, summaryOf, targetTable } from "./figures.mjs";

const SUMMARY = join(ROOT, "docs/bench.json");
/** Every sample of the last full run of each section; not in git. */
const SAMPLES = join(ROOT, "bench-output");

/** What the figures were measured on and with. */
export async function describeMachine() {
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return {
    system: `${type()} ${release()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    sdk: devDependencies["@modelcontextprotocol/sdk"].replace("^", ""),
    curl: await versionOf("curl", "--version"),
    gzip: await versionOf("gzip", "--version"),
    openssl: await versionOf("openssl", "version"),
    pigz: await versionOf("pigz", "--version"),
  };
}

async function versionOf(program, argument) {
  if ((await findProgram(program)) === undefined) return "not installed";
  return /\d+(\.\d+)+/.exec(await run(program, [argument]))?.[0] ?? "unknown";
}

export async function readReport() {
  try {
    return JSON.parse(await readFile(SUMMARY, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return { sections: {} };
    throw error;
  }
}

/** Writes the samples of the section that was just measured, and the summary of all sections. */
export async function saveReport({ machine, sections }, name) {
  await mkdir(SAMPLES, { recursive: true });
  await writeFile(join(SAMPLES, `${name}.json`), `${JSON.stringify({ machine, ...sections[name] }, rounded, 2)}\n`);
  const text = JSON.stringify({ machine, sections }, (key, value) => rounded(key, withoutSamples(value)), 2);
  await writeFile(SUMMARY, `${text.replace(/\{[^{}]+\}/g, onOneLine)}\n`);
}

/** Rounds to three decimals, since no measurement is more precise. */
const rounded = (_, value) => (typeof value === "number" ? Math.round(value * 1e3) / 1e3 : value);
const withoutSamples = (value) => (value?.samples ? { median: value.median, min: value.min, max: value.max } : value);
const onOneLine = (innermost) => innermost.replace(/\s*\n\s*/g, " ");

/** Writes the figures into the picture and between the marks of the pages. */
export async function draw({ machine, sections }) {
  await writeFile(join(ROOT, "docs/bench.svg"), picture(sections));
  await fill("README.md", { speed: asMarkdown(speedTable(sections)) });
  const tables = Object.entries(sections).map(([name, section]) => [
    name,
    [whenMeasured(section), ...section.tables.map(asMarkdown)].join("\n\n"),
  ]);
  await fill("docs/bench.md", {
    machine: machineLine(machine),
    targets: asMarkdown(targetTable(judge(sections))),
    ...Object.fromEntries(tables),
  });
}

async function fill(page, blocks) {
  const path = join(ROOT, page);
  let text = await readFile(path, "utf8");
  for (const [name, block] of Object.entries(blocks)) {
    const mark = `<!-- measured: ${name} -->`;
    const [before, after, ...more] = text.split(mark);
    const end = after?.indexOf("<!-- end -->") ?? -1;
    if (end < 0 || more.length > 0) throw new Error(`${page} needs ${mark} once, with an end.`);
    text = `${before}${mark}\n${block}\n${after.slice(end)}`;
  }
  await writeFile(path, text);
}

const whenMeasured = ({ measuredAt, mostProcessorsOfOthers }) =>
  `Measured on ${measuredAt.slice(0, 10)} at ${measuredAt.slice(11, 16)} UTC. During the most disturbed round that counts, other programs used ${figure(mostProcessorsOfOthers, 2)} processors on average.`;

const machineLine = ({ system, cpu, cores, memoryGb, node, sdk, curl, gzip, openssl, pigz }) =>
  `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}; Node ${node}, SDK ${sdk}, curl ${curl}, gzip ${gzip}, OpenSSL ${openssl}, pigz ${pigz}.`;

/** The table of the README. */
function speedTable(sections) {
  const show = (table, row, column, digits, unit) => {
    const value = medianOf(sections, table, row, column);
    return value === undefined ? "not measured" : `${figure(value, digits)} ${unit}`;
  };
  const init = (row) => show("start", row, "initializeMs", 0, "ms");
  const memory = (row) => show("start", row, "memory", 0, "MB");
  const asked = (row) => show("call", row, "p50", 2, "ms");
  const took = (row) => show("transfer-loopback", row, "seconds", 1, "s");
  const peak = (bytes) => show("growth-size", String(bytes), "peakMb", 0, "MB");
  const footprint = (row, unit) => show("footprint", row, "value", 0, unit);
  const byHand = (kind) => `${took(`${kind} usual`)} by hand; ${took(`${kind} fastest`)} with \`openssl\` and \`pigz\``;
  const row = (name, ours, others) => ({ name, cells: { ours, others } });
  const nodeOf = (key) => /Node (\d+)/.exec(sections.start?.tables[0].rows.find((each) => each.key === key)?.name)?.[1];
  const minimal = "minimal server on the same SDK";
  return {
    head: "What",
    columns: [
      { key: "ours", head: "This server" },
      { key: "others", head: "Compared with" },
    ],
    rows: [
      row(
        `From start to \`initialize\`, Node ${nodeOf("current ours")}`,
        init("current ours"),
        `${init("current minimal")}: ${minimal}`,
      ),
      row(`The same, Node ${nodeOf("later ours")}`, init("later ours"), `${init("later minimal")}: ${minimal}`),
      row("Memory after `tools/list`", memory("current ours"), `${memory("current minimal")}: ${minimal}`),
      row("A call over https", asked("https serviceAccount"), `${asked("https plain")}: plain request`),
      row("1 GiB that unpacks to 4 GiB, saved and verified", took("4:1 ours"), byHand("4:1")),
      row("1 GiB that barely compresses", took("incompressible ours"), byHand("incompressible")),
      row("Peak memory while saving 4 GiB", peak(2 ** 32), `${peak(2 ** 28)}: while saving 256 MiB`),
      row("Packed", footprint("packed", "kB"), `${footprint("packages", "package")} installed`),
    ],
  };
}

const WIDTH_PX = 860;
const MARGIN_PX = 24;
const LABELS_PX = 330;
const BARS_PX = 370;
const ROW_PX = 24;
const BAR_PX = 14;
const HEAD_PX = 38;

const BY_KIND = [
  ["4:1", "1 GiB that unpacks to 4 GiB, verified on disk, seconds"],
  ["incompressible", "1 GiB that barely compresses, verified on disk, seconds"],
];

const PANELS = [
  {
    title: "From start to initialize, milliseconds",
    digits: 0,
    bars: [
      ["start", "current empty", "initializeMs", "node -e 0, until it exits"],
      ["start", "current minimal", "initializeMs", "minimal server on the same SDK"],
      ["start", "current ours", "initializeMs", "this server"],
      ["start", "later minimal", "initializeMs", "minimal server, later Node"],
      ["start", "later ours", "initializeMs", "this server, later Node"],
    ],
  },
  ...BY_KIND.map(([kind, title]) => ({
    title,
    digits: 1,
    bars: [
      ["transfer-loopback", `${kind} usual`, "seconds", "curl, sync, sha256sum, gzip -t"],
      ["transfer-loopback", `${kind} fastest`, "seconds", "curl, sync, openssl dgst, pigz -t"],
      ["transfer-loopback", `${kind} ours`, "seconds", "this server"],
    ],
  })),
];

/** The picture has its own background, so that it is readable on light and dark pages. */
const STYLE = `
    .ground { fill: #ffffff; stroke: #d0d7de; }
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
    .title { font-weight: 600; }
    .quiet { fill: #59636e; }
    .other { fill: #aeb6bf; }
    .ours { fill: #1a7f37; }
    .spread { stroke: #59636e; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; stroke: #30363d; }
      text { fill: #e6edf3; }
      .quiet { fill: #9198a1; }
      .other { fill: #57606a; }
      .ours { fill: #3fb950; }
      .spread { stroke: #9198a1; }
    }
`;

/** Bars are medians; thin lines reach from the fastest to the slowest run. */
function picture(sections) {
  let top = MARGIN_PX;
  const parts = [];
  for (const { title, digits, bars } of PANELS) {
    const measured = bars.flatMap(([table, row, column, label]) => {
      const summary = summaryOf(sections, table, row, column);
      return summary ? [{ label, summary, isOurs: row.endsWith("ours") }] : [];
    });
    if (measured.length === 0) continue;
    parts.push(`<text class="title" x="${MARGIN_PX}" y="${top + 14}">${title}</text>`);
    parts.push(...panel(measured, digits, top + HEAD_PX - 10));
    top += HEAD_PX + measured.length * ROW_PX + 10;
  }
  parts.push(
    `<text class="quiet" x="${MARGIN_PX}" y="${top + 10}">Medians, less is better; the thin lines reach from the fastest to the slowest run.</text>`,
  );
  const height = top + 10 + MARGIN_PX;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH_PX}" height="${height}" viewBox="0 0 ${WIDTH_PX} ${height}" role="img">
  <title>How long this server takes, compared with its alternatives</title>
  <style>${STYLE}  </style>
  <rect class="ground" x="0.5" y="0.5" width="${WIDTH_PX - 1}" height="${height - 1}" rx="8"/>
  ${parts.join("\n  ")}
</svg>
`;
}

function panel(bars, digits, top) {
  const longest = Math.max(...bars.map(({ summary }) => summary.max));
  const px = (value) => Math.round((value / longest) * BARS_PX * 10) / 10;
  const left = MARGIN_PX + LABELS_PX;
  return bars.flatMap(({ label, summary: { median, min, max }, isOurs }, index) => {
    const middle = top + (index + 0.5) * ROW_PX;
    return [
      `<text x="${left - 12}" y="${middle + 4.5}" text-anchor="end">${label}</text>`,
      `<rect class="${isOurs ? "ours" : "other"}" x="${left}" y="${middle - BAR_PX / 2}" width="${px(median)}" height="${BAR_PX}" rx="2"/>`,
      `<line class="spread" x1="${left + px(min)}" x2="${left + px(max)}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${left + px(max) + 10}" y="${middle + 4.5}">${figure(median, digits)}</text>`,
    ];
  });
}
