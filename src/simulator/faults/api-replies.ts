import { type Reply, textReply } from "../reply.ts";
import type { Fault } from "./orders.ts";

/** Above the 8 MiB that a client of this API can be expected to read. */
const HUGE_BYTES = 9 * 1024 * 1024;
/** Far beyond the depth at which a recursive reader runs out of stack. */
const DEEP_LEVELS = 100_000;

const GATEWAY_PAGE =
  "<html><head><title>502 Bad Gateway</title></head><body><h1>MongoDB Cloud Manager Unavailable</h1></body></html>";

/** The ordered faults that concern how an answer is written and sent. */
export function alterReply(faults: Fault[], reply: Reply, { elsewhere }: { elsewhere: string }): Reply {
  let altered = reply;
  for (const fault of faults) {
    if (fault.kind === "word") altered = alterOnce(fault.word, fault.value, altered, elsewhere);
    // A success with another status than 200 is still the answer.
    else if (fault.status !== undefined && fault.status < 300) altered = { ...altered, status: fault.status };
  }
  return altered;
}

function alterOnce(word: string, value: number, reply: Reply, elsewhere: string): Reply {
  const text = () => Buffer.concat([...reply.body]).toString();
  const withText = (changed: string) => ({ ...reply, ...textBody(changed) });
  switch (word) {
    case "hang":
    case "hang-after":
      return { ...reply, silence: "hang" };
    case "reset-before":
    case "reset-after":
      return { ...reply, silence: "reset" };
    case "slow-headers":
      return { ...reply, headersAfterMs: value };
    case "trickle":
      return { ...reply, byteEveryMs: value };
    case "cut":
      return { ...reply, end: { afterBytes: Math.floor(reply.length / 2), by: "reset" } };
    case "garbage":
      return withText(`${text().slice(0, 40)} <<<< not JSON`);
    case "html":
      return textReply(502, "text/html;charset=utf-8", GATEWAY_PAGE);
    case "empty":
      return withText("");
    case "no-content":
      return { ...withText(""), status: 204 };
    case "redirect":
      return textReply(value, "text/html", "", { Location: elsewhere });
    case "huge":
      return withText(spliced(text(), `"padding":"${"x".repeat(HUGE_BYTES)}"`));
    case "deep":
      return withText(spliced(text(), `"links":${"[".repeat(DEEP_LEVELS)}${"]".repeat(DEEP_LEVELS)}`));
    case "wrong-type":
      return withHeaders(reply, { "Content-Type": "text/plain" });
    case "sunset":
      return withHeaders(reply, {
        Deprecation: "Sun, 01 Nov 2026 00:00:00 GMT",
        Sunset: "Mon, 01 Nov 2027 00:00:00 GMT",
      });
    default:
      return reply;
  }
}

function withHeaders(reply: Reply, headers: Reply["headers"]): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

function textBody(text: string): Pick<Reply, "body" | "length"> {
  const bytes = Buffer.from(text);
  return { body: [bytes], length: bytes.length };
}

/** One more field at the end of a JSON object. */
function spliced(text: string, field: string): string {
  const opened = text.trimEnd().replace(/\}$/, "");
  return `${opened}${opened.trim() === "{" ? "" : ","}${field}}`;
}
