/**
 * Whether a URL leads to this computer itself, as far as its host says without asking a name server. Names below localhost
 * do so by RFC 6761 section 6.3, but not every system keeps to that, and secrets go unencrypted to what is loopback.
 */
export function isLoopback({ hostname }: Pick<URL, "hostname">): boolean {
  return (
    /^localhost\.?$/.test(hostname) ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]" ||
    /^\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\]$/.test(hostname) // IPv4-mapped (RFC 4291 section 2.5.5.2), as URLs write it.
  );
}
