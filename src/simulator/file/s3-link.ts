import { createHmac, timingSafeEqual } from "node:crypto";
import { LINK_LIFE_MS, type RestoreJob } from "../restore-jobs.ts";

/** Known to this program only in the sense that nobody else needs it: a link of one process works in the next. */
const SIGNING_KEY = "simulated-signing-key";

export interface LinkSigner {
  sign: (job: RestoreJob) => string;
  /** Links handed out before stop working. */
  expireLinks: () => void;
  judge: (url: URL) => LinkVerdict;
}

export type LinkVerdict =
  | { kind: "valid"; snapshotId: string }
  | { kind: "incomplete" }
  | { kind: "altered" }
  | { kind: "expired"; expiredAt: number };

/** Links shaped like pre-signed ones of Amazon S3 (Signature Version 4 in the query); the signature is really checked. */
export function createLinkSigner(options: { now: () => number; baseUrl: () => string }): LinkSigner {
  const { now, baseUrl } = options;
  const handedOut = new Set<string>();
  const expired = new Set<string>();

  return {
    expireLinks: () => {
      for (const id of handedOut) expired.add(id);
    },
    sign: ({ id, cluster, snapshot, createdAt }) => {
      handedOut.add(id);
      const url = new URL(`/files/${cluster.groupId}/${cluster.name}/${snapshot.id}.tgz`, baseUrl());
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
    },
    judge: (url) => {
      const parameters = url.searchParams;
      const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get("X-Amz-Date") ?? "");
      const signature = parameters.get("X-Amz-Signature");
      const snapshotId = /\/([a-f0-9]{24})\.tgz$/.exec(url.pathname)?.[1];
      if (!date || !signature || !snapshotId) return { kind: "incomplete" };
      if (!isEqual(signature, signatureOf(url))) return { kind: "altered" };
      const [year = 0, month = 1, ...rest] = date.slice(1).map(Number);
      const signedAt = Date.UTC(year, month - 1, ...rest);
      const expiredAt = signedAt + Number(parameters.get("X-Amz-Expires")) * 1_000;
      if (expiredAt <= now()) return { kind: "expired", expiredAt };
      const isDead = expired.has(parameters.get("X-Amz-Security-Token") ?? "");
      return isDead ? { kind: "expired", expiredAt: now() } : { kind: "valid", snapshotId };
    },
  };
}

function signatureOf(url: URL): string {
  const signed = new URL(url);
  signed.searchParams.delete("X-Amz-Signature");
  return createHmac("sha256", SIGNING_KEY).update(`GET\n${signed.pathname}\n${signed.searchParams}`).digest("hex");
}

function isEqual(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
