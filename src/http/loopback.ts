/** Whether a URL leads to this computer itself, as far as its host says without asking a name server. */
export function isLoopback({ hostname }: Pick<URL, "hostname">): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") || // RFC 6761 section 6.3
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]"
  );
}
