import type { Reporter, TestModule } from "vitest/node";

/** Closes a run with its counts, and with the reason of each skipped test. */
export default class Skipped implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((each) => [...each.children.allTests()]);
    const skipped = tests.filter((each) => each.result().state === "skipped");
    const reasons = new Map<string, number>();
    for (const each of skipped) {
      const result = each.result();
      const reason = each.options.tags?.join(", ") || (result.state === "skipped" && result.note) || "no reason";
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    const count = (state: string) => tests.filter((each) => each.result().state === state).length;
    const lines = [...reasons].sort().map(([reason, times]) => `  ${times} ${reason}`);
    process.stdout.write(
      `\n${count("passed")} passed, ${count("failed")} failed, ${skipped.length} skipped\n${lines.join("\n")}\n`,
    );
  }
}
