import type { IncomingHttpHeaders } from "node:http";
import type { Reply } from "../reply.ts";
import { replyWith } from "./object-reply.ts";
import { expiredReply, s3Error } from "./s3-errors.ts";
import type { LinkSigner } from "./s3-link.ts";
import type { StoredObject } from "./stored-object.ts";

export interface FileRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

export interface FileHostParts {
  now: () => number;
  signer: LinkSigner;
  objectOf: (snapshotId: string) => Promise<StoredObject | undefined>;
}

/** Answers as S3 does for a pre-signed link: the signature covers the method, and a second way to authenticate is refused. */
export function createFileHost({ now, signer, objectOf }: FileHostParts): (request: FileRequest) => Promise<Reply> {
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
    const object = await objectOf(verdict.snapshotId);
    return object ? replyWith(object, headers) : s3Error(404);
  };
}
