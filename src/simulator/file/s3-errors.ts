import { randomBytes } from "node:crypto";
import { isoSeconds } from "../json.ts";
import { type Reply, textReply } from "../reply.ts";

/** Headers that S3 puts on every answer. */
export function s3Headers(): Record<string, string> {
  return {
    Server: "AmazonS3",
    "x-amz-id-2": randomBytes(48).toString("base64"),
    "x-amz-request-id": randomBytes(8).toString("hex").toUpperCase(),
  };
}

const CODE_OF_STATUS: Record<number, { code: string; message: string }> = {
  400: { code: "InvalidRequest", message: "Invalid Request" },
  403: { code: "AccessDenied", message: "Access Denied" },
  404: { code: "NoSuchKey", message: "The specified key does not exist." },
  405: { code: "MethodNotAllowed", message: "The specified method is not allowed against this resource." },
  412: {
    code: "PreconditionFailed",
    message: "At least one of the pre-conditions you specified did not hold",
  },
  416: { code: "InvalidRange", message: "The requested range is not satisfiable" },
  429: { code: "SlowDown", message: "Please reduce your request rate." },
  500: { code: "InternalError", message: "We encountered an internal error. Please try again." },
  503: { code: "SlowDown", message: "Please reduce your request rate." },
};

export interface S3ErrorDetails {
  code?: string;
  message?: string;
  /** More elements, in order. */
  fields?: Record<string, string>;
  headers?: Record<string, string>;
}

/** An error document as S3 writes it. */
export function s3Error(status: number, details: S3ErrorDetails = {}): Reply {
  const usual = CODE_OF_STATUS[status] ?? { code: "ServiceUnavailable", message: "Unable to handle the request." };
  const headers = s3Headers();
  const fields = {
    Code: details.code ?? usual.code,
    Message: details.message ?? usual.message,
    ...details.fields,
    RequestId: headers["x-amz-request-id"] ?? "",
    HostId: headers["x-amz-id-2"] ?? "",
  };
  const elements = Object.entries(fields).map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`);
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join("")}</Error>`;
  return textReply(status, "application/xml", text, { ...headers, ...details.headers });
}

/** What an expired link is answered with. */
export function expiredReply(expiredAt: number, now: number): Reply {
  return s3Error(403, {
    message: "Request has expired",
    fields: { "X-Amz-Expires": "14400", Expires: isoSeconds(expiredAt), ServerTime: isoSeconds(now) },
  });
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
