// The file host: serves snapshots for signed links as S3 does, with the faults that were ordered.
import { createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { appliesTo, replyWithFaults } from "../faults/file-faults.ts";
import { has, type OrderBook } from "../faults/orders.ts";
import type { Reply } from "../http.ts";
import { LINK_LIFE_MS, type RestoreJob } from "../restore-jobs.ts";
import type { Snapshot } from "../world.ts";
import { createObjects, type ObjectSettings } from "./objects.ts";
import { expiredReply, s3Error } from "./s3.ts";

interface FileRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
}

interface FileHostParts {
  snapshots: Snapshot[];
  orders: OrderBook;
  settings: ObjectSettings;
  /** The URL to which ordered redirects lead. */
  elsewhere: () => string;
}

/** Accepts only GET, which the signature of a link covers, and like S3 no Authorization header in addition. */
export function createFileHost(parts: FileHostParts): (request: FileRequest) => Promise<Reply> {
  const { orders, elsewhere, settings } = parts;
  const { now } = settings;
  const objects = createObjects(parts.snapshots, settings);

  return async ({ method, url, headers }) => {
    if (headers.authorization !== undefined) {
      return s3Error(400, {
        code: "InvalidArgument",
        message:
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        fields: { ArgumentName: "Authorization", ArgumentValue: headers.authorization },
      });
    }
    const link = method === "GET" ? readLink(url) : undefined;
    if (!link) return s3Error(403);
    if (link.expiresAt <= now()) return expiredReply(link.expiresAt, now());
    const request = { range: headers.range, isMoved: url.pathname.startsWith(MOVED) };
    const faults = orders.take("file", (ordered) => appliesTo(ordered, request));
    if (has(faults, "object-changes")) objects.replace(link.snapshotId);
    const object = await objects.objectOf(link.snapshotId);
    const moved = new URL(`${MOVED}${url.pathname}${url.search}`, url).href;
    return replyWithFaults(faults, { object, headers, now: now(), elsewhere: elsewhere(), moved });
  };
}

/** What the path of a moved file begins with. It grants access and looks like words, as share links of some hosts do. */
const MOVED = "/moved/opensesamewords";

/** Fixed and public, so that a link from one process works in the next. */
const SIGNING_KEY = "simulated-signing-key";

/** A link shaped like a pre-signed one of Amazon S3 (Signature Version 4 in the query). */
export function signLink({ id, cluster, snapshot, createdAt }: RestoreJob, baseUrl: string): string {
  const url = new URL(`/files/${cluster.groupId}/${cluster.name}/${snapshot.id}.tgz`, baseUrl);
  const date = new Date(createdAt).toISOString().replace(/[-:]|\.\d+/g, "");
  url.search = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `AKIASIMULATED/${date.slice(0, 8)}/eu-west-1/s3/aws4_request`,
    "X-Amz-Date": date,
    "X-Amz-Expires": String(LINK_LIFE_MS / 1_000),
    "X-Amz-Security-Token": id,
    "X-Amz-SignedHeaders": "host",
  }).toString();
  url.searchParams.set("X-Amz-Signature", signatureOf(url));
  return url.href;
}

/** The snapshot and the expiry of a link; undefined if the link is incomplete or its signature is wrong. */
function readLink(url: URL): { snapshotId: string; expiresAt: number } | undefined {
  const parameters = url.searchParams;
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get("X-Amz-Date") ?? "");
  const snapshotId = /\/([a-f0-9]{24})\.tgz$/.exec(url.pathname)?.[1];
  if (!date || !snapshotId || parameters.get("X-Amz-Signature") !== signatureOf(url)) return undefined;
  const [year = 0, month = 1, ...rest] = date.slice(1).map(Number);
  const lifeMs = Number(parameters.get("X-Amz-Expires")) * 1_000;
  return { snapshotId, expiresAt: Date.UTC(year, month - 1, ...rest) + lifeMs };
}

function signatureOf(url: URL): string {
  const signed = new URL(url);
  signed.searchParams.delete("X-Amz-Signature");
  if (signed.pathname.startsWith(`${MOVED}/`)) signed.pathname = signed.pathname.slice(MOVED.length);
  return createHmac("sha256", SIGNING_KEY).update(`GET\n${signed.pathname}\n${signed.searchParams}`).digest("hex");
}
