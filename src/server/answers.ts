// What this server lists, as the front desk answers it: tools from the build's data, prompts, and the view of a save.
import type { Announced } from "../protocol/eras.ts";
import type { Answer } from "../protocol/front-desk.ts";
import { CODES } from "../protocol/read-message.ts";
import type { ToolName } from "../tools/catalog.ts";
import { TOOL_LIST } from "../tools/tool-list.ts";
import { answerPrompt, promptsFor } from "./prompts.ts";
import { readView, VIEWS, withView } from "./view.ts";

/** `offered` are the tools to offer; `showsView` says whether a client that announced this gets the view of a save. */
export function answersFor(
  offered: readonly ToolName[],
  showsView: (client: Announced) => boolean,
): Record<string, Answer> {
  const tools = TOOL_LIST.filter(({ name }) => offered.some((each) => each === name));
  const prompts = promptsFor(offered);
  return {
    "tools/list": (_, client) => ({ result: { tools: showsView(client) ? withView(tools) : tools } }),
    "prompts/list": () => ({ result: { prompts } }),
    "prompts/get": ({ name, arguments: args }) => {
      const answered = answerPrompt(prompts, name, args);
      return "refusal" in answered ? { error: { code: CODES.params, message: answered.refusal } } : answered;
    },
    "resources/list": (_, client) => ({ result: { resources: showsView(client) ? VIEWS : [] } }),
    "resources/templates/list": () => ({ result: { resourceTemplates: [] } }),
    "resources/read": (params, client) =>
      showsView(client) ? readView(params, offered) : { error: { code: CODES.method, message: "Method not found" } },
  };
}
