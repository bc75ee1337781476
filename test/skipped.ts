import type { Reporter, TestCase, TestModule } from "vitest/node";
import { TAGS } from "./platform.ts";

/** Closes a run with its counts, and those of the skipped tests by reason. */
export default class Skipped implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((each) => [...each.children.allTests()]);
    const of = (state: string) => tests.filter((each) => each.result().state === state);
    const reasons = of("skipped").map(reasonOf);
    const lines = [...new Set(reasons)].sort().map((reason) => {
      const times = reasons.filter((each) => each === reason).length;
      return `${String(times).padStart(6)}  ${reason}\n`;
    });
    process.stdout.write(
      `\n${of("passed").length} passed, ${of("failed").length} failed, ${reasons.length} skipped\n${lines.join("")}`,
    );
  }
}

/** The needs that this system lacks, else the note of the test. */
function reasonOf(each: TestCase): string {
  const result = each.result();
  const note = result.state === "skipped" ? result.note : undefined;
  const lacking = TAGS.filter(({ name, skip }) => note === name || (skip && each.options.tags?.includes(name)));
  return lacking.map(({ name, description }) => `${name}: ${description}`).join("; ") || note || "no reason given";
}
