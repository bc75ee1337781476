import { expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import { failureResult } from "../../src/server/server.ts";

function proseOf(facts: Parameters<typeof ownFailure>[1]) {
  const [content] = failureResult("a_tool", ownFailure("UNREADABLE_RESPONSE", { hint: "Look.", ...facts }).envelope, {
    simulated: false,
  }).content;
  return content?.type === "text" ? content.text : "";
}

test("prose does not repeat parameters that the detail names", () => {
  const parameters = ["order", "5fa1"];
  expect(proseOf({ detail: "No cluster order in group 5fa1.", parameters })).not.toContain("Parameters");
});

test("prose lists all parameters when the detail leaves one out", () => {
  const parameters = ["order", "5fa1"];
  expect(proseOf({ detail: "No cluster order.", parameters })).toContain(" Parameters: order, 5fa1. ");
});
