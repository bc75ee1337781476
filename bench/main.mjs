// npm run bench [-- [--quick] [start] [call] [transfer] [growth] [footprint]]: measures the built server beside its baselines.
// What is measured in full replaces its part of docs/; --quick and --redraw are for working on the bench itself.
import { parseArgs } from "node:util";
import { FULL, HASTY, PATIENT, QUICK } from "./plan.mjs";
import { describeMachine } from "./report/machine.mjs";
import { draw, readReport, saveReport } from "./report/pages.mjs";
import { asText } from "./report/tables.mjs";
import { judge, targetTable } from "./report/targets.mjs";
import { createRounds } from "./run/rounds.mjs";
import { call } from "./sections/call.mjs";
import { footprint } from "./sections/footprint.mjs";
import { growth } from "./sections/growth.mjs";
import { start } from "./sections/start.mjs";
import { transfer } from "./sections/transfer.mjs";

const SECTIONS = { start, call, transfer, growth, footprint };

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false }, redraw: { type: "boolean", default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(SECTIONS, name));
if (unknown.length > 0) {
  process.stderr.write(`Unknown: ${unknown.join(", ")}. There are ${Object.keys(SECTIONS).join(", ")}.\n`);
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
    const rounds = createRounds(values.quick ? HASTY : PATIENT, (text) => process.stderr.write(`${name}: ${text}\n`));
    const { tables } = await SECTIONS[name](plan, rounds);
    report.sections[name] = { measuredAt, mostProcessorsOfOthers: rounds.disturbance(), plan, tables };
    for (const table of tables) process.stdout.write(`\n${asText(table)}\n`);
    if (!values.quick) await saveReport(report);
  }
  process.stdout.write(`\n${asText(targetTable(judge(report.sections)))}\n`);
  if (!values.quick) await draw(report);
}
