import { z } from "zod";

/** RFC 9110 §8.8.3, without the mark of a weak one. */
export const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]{1,1000}"$/;

/** RFC 9110 §5.6.7, the one form that is still sent. */
export const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

export const objectVersionSchema = z.object({
  /** Bytes, as the host announced them. */
  total: z.number().int().nonnegative().exactOptional(),
  /** A strong one only. */
  etag: z.string().regex(STRONG_ETAG).exactOptional(),
  /** Only where it was old enough to be a validator. */
  lastModified: z.string().regex(HTTP_DATE).exactOptional(),
  /** The MD5 that the host's ETag is. */
  md5: z
    .string()
    .regex(/^[a-f0-9]{32}$/)
    .exactOptional(),
});

/** One version of the remote file, as far as its host tells it. */
export type ObjectVersion = z.infer<typeof objectVersionSchema>;
