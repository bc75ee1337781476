import type { JsonObject } from "../json.ts";
import type { Outcome } from "../problems.ts";
import { type Reply, textReply } from "../reply.ts";
import { mediaType, type ResourceVersion } from "./media-type.ts";
import { isTrue } from "./paging.ts";

export interface RenderOptions {
  url: URL;
  version: ResourceVersion | undefined;
  envelopedFailures: "keep-status" | "always-200";
}

/** Writes an outcome as the request asks for it: `envelope` wraps it or adds the status to a list, `pretty` indents it. */
export function render(outcome: Outcome, { url, version, envelopedFailures }: RenderOptions): Reply {
  const enveloped = isTrue(url.searchParams, "envelope");
  const indent = isTrue(url.searchParams, "pretty") ? 2 : 0;
  const status = enveloped && envelopedFailures === "always-200" ? 200 : outcome.status;
  const type = outcome.status < 400 && version ? mediaType(version) : "application/json";
  const text = JSON.stringify(enveloped ? wrap(outcome) : outcome.body, undefined, indent);
  return textReply(status, type, text, outcome.headers);
}

function wrap({ status, body, isList }: Outcome): JsonObject {
  return isList ? { ...body, status } : { status, content: body };
}
