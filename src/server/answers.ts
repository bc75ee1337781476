// What this server lists, as the front desk answers it: tools from the build's data, prompts, and no resources.
import type { Answer } from "../protocol/front-desk.ts";
import { CODES } from "../protocol/read-message.ts";
import type { ToolName } from "../tools/catalog.ts";
import { TOOL_LIST } from "../tools/tool-list.ts";
import { answerPrompt, promptsFor } from "./prompts.ts";

/** `offered` are the tools to offer. */
export function answersFor(offered: readonly ToolName[]): Record<string, Answer> {
  const tools = TOOL_LIST.filter(({ name }) => offered.some((each) => each === name));
  const prompts = promptsFor(offered);
  return {
    "tools/list": () => ({ result: { tools } }),
    "prompts/list": () => ({ result: { prompts } }),
    "prompts/get": ({ name, arguments: args }) => {
      const answered = answerPrompt(prompts, name, args);
      return "refusal" in answered ? { error: { code: CODES.params, message: answered.refusal } } : answered;
    },
    "resources/list": () => ({ result: { resources: [] } }),
    "resources/templates/list": () => ({ result: { resourceTemplates: [] } }),
  };
}
