/** RFC 9110 §8.8.3, without the mark of a weak one. */
export const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]{1,1000}"$/;

/** RFC 9110 §5.6.7, the one form that is still sent. */
export const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Milliseconds since the epoch; undefined for anything but a date. */
export function httpDate(value: string | undefined): number | undefined {
  if (value === undefined || !HTTP_DATE.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
