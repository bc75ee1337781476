import type { IncomingHttpHeaders } from "node:http";
import { alterFileReply } from "./faults/file-faults.ts";
import { alterObject } from "./faults/file-objects.ts";
import { appliesToRange, replyInRanges } from "./faults/file-ranges.ts";
import { has, type OrderBook } from "./faults/order-book.ts";
import type { Objects } from "./file/objects.ts";
import { expiredReply, s3Error } from "./file/s3-errors.ts";
import type { LinkSigner } from "./file/s3-link.ts";
import type { Reply } from "./reply.ts";

export interface FileRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

export interface FileHostParts {
  now: () => number;
  signer: LinkSigner;
  objects: Objects;
  orders: OrderBook;
  /** Where redirects lead. */
  elsewhere: () => string;
}

/** Answers as S3 does for a pre-signed link: the signature covers the method, and a second way to authenticate is refused. */
export function createFileHost(parts: FileHostParts): (request: FileRequest) => Promise<Reply> {
  const { now, signer, objects, orders, elsewhere } = parts;
  return async ({ method, url, headers }) => {
    if (headers.authorization !== undefined) {
      return s3Error(400, {
        code: "InvalidArgument",
        message:
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        fields: { ArgumentName: "Authorization", ArgumentValue: headers.authorization },
      });
    }
    const verdict = signer.judge(url);
    if (method !== "GET" || verdict.kind === "incomplete" || verdict.kind === "altered") return s3Error(403);
    if (verdict.kind === "expired") return expiredReply(verdict.expiredAt, now());
    const faults = orders.take("file", (ordered) => appliesToRange(ordered, headers.range));
    if (has(faults, "object-changes")) objects.replace(verdict.snapshotId);
    const object = await objects.objectOf(verdict.snapshotId);
    const reply = object ? replyInRanges(faults, alterObject(faults, object), headers) : s3Error(404);
    return alterFileReply(faults, reply, { now: now(), elsewhere: elsewhere() });
  };
}
