import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../run/paths.mjs";
import { plot } from "./plot.mjs";
import { speedTable } from "./speed.mjs";
import { asMarkdown, figure } from "./tables.mjs";
import { judge, targetTable } from "./targets.mjs";

const REPORT = join(ROOT, "docs/bench.json");

export async function readReport() {
  try {
    return JSON.parse(await readFile(REPORT, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return { sections: {} };
    throw error;
  }
}

export function saveReport(report) {
  return writeFile(REPORT, `${JSON.stringify(report, rounded, 2)}\n`);
}

/** Nothing is known to a millionth. */
const rounded = (_, value) => (typeof value === "number" ? Math.round(value * 1e3) / 1e3 : value);

/** Puts the figures into the picture and between the marks of the pages. */
export async function draw({ machine, sections }) {
  await writeFile(join(ROOT, "docs/bench.svg"), plot(sections));
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
  `Measured on ${measuredAt.slice(0, 10)} at ${measuredAt.slice(11, 16)} UTC. In the most disturbed round that counts, other programs used ${figure(mostProcessorsOfOthers, 2)} processors on average.`;

function machineLine({ system, cpu, cores, memoryGb, node, sdk, curl, gzip, openssl, pigz }) {
  return `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}; Node ${node}, SDK ${sdk}, curl ${curl}, gzip ${gzip}, OpenSSL ${openssl}, pigz ${pigz}.`;
}
