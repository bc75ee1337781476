// Writes the results: the summary docs/bench.json, and from it docs/bench.md, docs/bench.svg and the table of README.md.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { findProgram, ROOT, run } from "../run/processes.mjs";
import { asMarkdown, callRatio, figure, judge, medianOf, ratio, summaryOf, targetTable } from "./figures.mjs";

const SUMMARY = join(ROOT, "docs/bench.json");
/** Every sample of the last full run of each section; not in git. */
const SAMPLES = join(ROOT, "bench-output");

/** What the figures were measured on and with. */
export async function describeMachine() {
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  return {
    system: `${type()} ${release()}`,
    cpu: await processor(),
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

/** Linux also tells the generation, which the name of a virtual machine's processor leaves out. */
async function processor() {
  const name = cpus()[0]?.model.trim() ?? "unknown";
  if (process.platform !== "linux") return name;
  const text = await readFile("/proc/cpuinfo", "utf8");
  const [family, model] = ["cpu family", "model"].map((key) => new RegExp(`^${key}\\s*: (\\d+)$`, "m").exec(text)?.[1]);
  return family === undefined ? name : `${name} (family ${family}, model ${model})`;
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
  const where = `Measured on ${machineLine(machine)}`;
  await fill("README.md", { speed: [asMarkdown(speedTable(sections)), where].join("\n\n") });
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

/** The table of the README: how often what it is compared with fits into the figure, and both figures. */
function speedTable(sections) {
  const show = (value, digits, unit) => (value === undefined ? "not measured" : `${figure(value, digits)} ${unit}`);
  const row = (name, quotient, ours, other) => {
    const shown = quotient === undefined ? "" : figure(quotient, 2);
    return { name, cells: { ratio: shown, ours, other } };
  };
  /** Two rows of one table compared in one column. */
  const compared = (name, [table, column, ours, other], [digits, unit], what) => {
    const [one, another] = [ours, other].map((key) => medianOf(sections, table, key, column));
    return row(name, ratio(one, another), show(one, digits, unit), `${show(another, digits, unit)}: ${what}`);
  };
  const minimal = "minimal server on the same SDK";
  const listed = (version) =>
    compared(
      `From start to \`tools/list\`, Node ${version}`,
      ["start", "listMs", `${version} ours`, `${version} minimal`],
      [0, "ms"],
      minimal,
    );
  const saved = (name, kind) =>
    [
      ["usual", "by hand"],
      ["fastest", "with `openssl` and `pigz`"],
    ].map(([other, what]) =>
      compared(name, ["transfer-loopback", "seconds", `${kind} ours`, `${kind} ${other}`], [1, "s"], what),
    );
  const p50 = (key) => medianOf(sections, "call", key, "p50");
  return {
    head: "What",
    columns: [
      { key: "ratio", head: "Ratio" },
      { key: "ours", head: "This server" },
      { key: "other", head: "Compared with" },
    ],
    rows: [
      listed(20),
      listed(24),
      compared("Memory after `tools/list`, Node 20", ["start", "memory", "20 ours", "20 minimal"], [0, "MB"], minimal),
      row(
        "A call by https",
        callRatio(sections, "https", "serviceAccount"),
        show(p50("https serviceAccount"), 2, "ms"),
        `${show(p50("https plain"), 2, "ms")}: plain request; ${show(p50("echo"), 2, "ms")}: call of the ${minimal}`,
      ),
      ...saved("1 GiB that unpacks to 4 GiB, saved and verified", "4:1"),
      ...saved("1 GiB that barely compresses", "incompressible"),
      compared(
        "Peak memory while saving 4 GiB",
        ["growth-size", "peakMb", String(2 ** 32), String(2 ** 28)],
        [0, "MB"],
        "while saving 256 MiB",
      ),
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
    title: "From start to the list of tools, milliseconds",
    digits: 0,
    bars: [
      ["start", "20 empty", "initializeMs", "node -e 0, until it exits"],
      ["start", "20 minimal", "listMs", "minimal server on the same SDK, Node 20"],
      ["start", "20 ours", "listMs", "this server, Node 20"],
      ["start", "24 minimal", "listMs", "minimal server on the same SDK, Node 24"],
      ["start", "24 ours", "listMs", "this server, Node 24"],
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
