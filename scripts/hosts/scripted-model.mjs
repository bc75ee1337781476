// A model for hosts that always does the same: it calls one tool of one server, then says what came back. It speaks the
// streamed form of OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses-streaming).
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

/** Every tool that the request offers, with the namespace that it stands in, if any. */
function offered(tools = [], namespace) {
  return tools.flatMap((tool) =>
    tool.type === "namespace" ? offered(tool.tools, tool.name) : tool.name ? [{ name: tool.name, namespace }] : [],
  );
}

const message = (text) => ({
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [] }],
});

function* eventsOf(item) {
  const response = { id: "resp_1", object: "response", status: "in_progress", model: "scripted", output: [] };
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  yield { type: "response.created", response };
  yield { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress" } };
  yield { type: "response.output_item.done", output_index: 0, item };
  yield { type: "response.completed", response: { ...response, status: "completed", output: [item], usage } };
}

/** Starts the model on a free port. `seen` collects the names of the tools that a host offered. */
export async function startScriptedModel({ tool, args }) {
  const seen = new Set();
  const server = createServer(async (request, response) => {
    if (request.method !== "POST") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ object: "list", data: [{ id: "scripted", object: "model" }], models: [] }));
      return;
    }
    const { tools, input } = await json(request);
    const all = offered(tools);
    for (const { name, namespace } of all) seen.add(`${namespace ?? ""}${name}`);
    const output = [input].flat().findLast(({ type }) => type === "function_call_output")?.output;
    const wanted = all.find(({ name }) => name.endsWith(tool));
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", status: "completed", ...wanted };
    const item =
      output !== undefined
        ? message(`The tool answered: ${typeof output === "string" ? output : JSON.stringify(output)}`)
        : wanted
          ? { ...call, arguments: JSON.stringify(args) }
          : message(`No tool is named ${tool}.`);
    response.writeHead(200, { "content-type": "text/event-stream" });
    let number = 0;
    for (const event of eventsOf(item)) {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`);
      number += 1;
    }
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/v1`, seen, close: () => server.close() };
}
