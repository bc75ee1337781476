// npm run bench [-- [--quick] [--redraw] [section…]]: measures the built server and what it is compared with.
// A full run replaces the results of its sections in docs/. --quick prints without writing; --redraw writes without measuring.
import "../scripts/node-version.mjs";
import { parseArgs } from "node:util";
import { asText, judge, targetTable } from "./report/figures.mjs";
import { describeMachine, draw, readReport, saveReport } from "./report/pages.mjs";
import { createRounds } from "./run/rounds.mjs";
import { call } from "./sections/call.mjs";
import { footprint } from "./sections/footprint.mjs";
import { growth } from "./sections/growth.mjs";
import { start } from "./sections/start.mjs";
import { transfer } from "./sections/transfer.mjs";

const SECTIONS = { start, call, transfer, growth, footprint };
const MIB = 1024 ** 2;

/** The sizes and the number of rounds of each section. */
const FULL = {
  start: { rounds: 20 },
  call: { rounds: 10, calls: 100 },
  transfer: { bytes: 1024 * MIB, rounds: { loopback: 5, slow: 3 } },
  growth: {
    sizes: [1, 16, 256, 1024, 4096].map((mib) => mib * MIB),
    jobs: [1, 100, 1_000, 10_000],
    projects: [1, 10, 100, 500],
    files: [1, 100, 1_000],
    clusters: [20, 200],
    farProjects: 500,
    rounds: 3,
  },
  footprint: { rounds: 3 },
};

/** Only shows within two minutes whether everything runs; the figures mean little. */
const QUICK = {
  start: { rounds: 3 },
  call: { rounds: 2, calls: 20 },
  transfer: { bytes: 64 * MIB, rounds: { loopback: 1, slow: 1 } },
  growth: {
    sizes: [1, 64].map((mib) => mib * MIB),
    jobs: [1, 600],
    projects: [1, 10],
    files: [1, 1_000],
    clusters: [20],
    farProjects: 40,
    rounds: 1,
  },
  footprint: { rounds: 1 },
};

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false }, redraw: { type: "boolean", default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(SECTIONS, name));
if (unknown.length > 0) {
  process.stderr.write(`Unknown: ${unknown.join(", ")}. The sections are ${Object.keys(SECTIONS).join(", ")}.\n`);
  process.exit(2);
}

if (values.redraw) await draw(await readReport());
else await measure(positionals.length > 0 ? positionals : Object.keys(SECTIONS));

async function measure(names) {
  const report = values.quick ? { sections: {} } : await readReport();
  report.machine = await describeMachine();
  for (const name of names) {
    const plan = (values.quick ? QUICK : FULL)[name];
    const measuredAt = new Date().toISOString();
    const rounds = createRounds(values.quick, (text) => process.stderr.write(`${name}: ${text}\n`));
    const tables = await SECTIONS[name](plan, rounds);
    report.sections[name] = { measuredAt, mostProcessorsOfOthers: rounds.disturbance(), plan, tables };
    for (const table of tables) process.stdout.write(`\n${asText(table)}\n`);
    if (!values.quick) await saveReport(report, name);
  }
  process.stdout.write(`\n${asText(targetTable(judge(report.sections)))}\n`);
  if (!values.quick) await draw(report);
}
