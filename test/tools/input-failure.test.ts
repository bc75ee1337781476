import { expect, test } from "vitest";
import * as z from "zod";
import { inputFailure } from "../../src/tools/tool.ts";

test("of a hundred thousand unknown arguments no more are compared with the known ones than are named", () => {
  const { error } = z.strictObject({ name: z.string() }).safeParse({ name: "orders", other: 1 });
  const issue = error?.issues[0];
  if (issue?.code !== "unrecognized_keys") throw new Error("This argument is known.");
  let compared = 0;
  const known = new Proxy(["name"], {
    get(target, property) {
      if (property === "map") compared += 1;
      return Reflect.get(target, property);
    },
  });
  const keys = Array.from({ length: 100_000 }, (_, index) => `other ${index}`);
  const { envelope } = inputFailure(new z.ZodError([{ ...issue, keys }]), {}, known);
  expect(envelope.badRequestDetail?.fields).toHaveLength(20);
  expect(compared).toBe(20);
});
