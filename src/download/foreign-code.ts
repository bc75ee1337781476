/** The operating system's or undici's code of a foreign error, such as ENOSPC or UND_ERR_SOCKET. */
export function foreignCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
