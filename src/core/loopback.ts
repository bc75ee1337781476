// Whether a URL leads to this computer.

/**
 * Judges by the host name alone, without DNS. Names below localhost are not loopback here: RFC 6761 section 6.3 makes them
 * so, but not every system complies, and loopback receives secrets unencrypted.
 */
export function isLoopback({ hostname }: Pick<URL, "hostname">): boolean {
  return (
    /^localhost\.?$/.test(hostname) ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]" ||
    /^\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\]$/.test(hostname) // IPv4-mapped (RFC 4291 section 2.5.5.2), as URLs write it.
  );
}
