import { expect, test } from "vitest";
import { failureResult } from "../../src/server/server.ts";

function proseOf(facts: { detail: string; parameters: string[] }) {
  const envelope = {
    errorCode: "CLUSTER_NOT_FOUND",
    source: "atlas",
    retryable: false,
    hint: "Look.",
    ...facts,
  } as const;
  const [content] = failureResult("a_tool", envelope, { simulated: false }).content;
  return content?.type === "text" ? content.text : "";
}

test("prose does not repeat parameters that the detail names", () => {
  const parameters = ["order", "5fa1"];
  const detail = "No cluster order in group 5fa1.";
  expect(proseOf({ detail, parameters })).toContain(` Atlas says: "${detail}" What to do: Look. `);
});

test("prose adds the parameters that the detail leaves out", () => {
  const parameters = ["order", "5fa1"];
  expect(proseOf({ detail: "No cluster order.", parameters })).toContain(
    ' Atlas says: "No cluster order.", "5fa1" What to do: ',
  );
});
