import { codeOf, Failure, ownFailure } from "../../core/errors.ts";

/** Whether a file operation failed with one of these codes. */
export function failedWith(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error) ?? "");
}

const FULL = ["ENOSPC", "EDQUOT"];

/** A failed file operation in our words; `neededBytes` is what the rest of the file takes. */
export function diskFailure(cause: unknown, neededBytes?: number): Failure {
  if (cause instanceof Failure) return cause;
  const code = codeOf(cause);
  if (FULL.includes(code ?? "")) return diskFull(neededBytes, undefined, cause);
  if (code === undefined) return ownFailure("INTERNAL_ERROR", {}, { cause });
  const reason =
    code === "EFBIG" ? "The file would exceed the size that this process may write." : `The system answered ${code}.`;
  return ownFailure("DISK_FAILED", { detail: reason }, { cause });
}

export function diskFull(neededBytes: number | undefined, freeBytes?: number, cause?: unknown): Failure {
  const needed = neededBytes === undefined ? "" : ` ${neededBytes} more bytes are needed.`;
  const free = freeBytes === undefined ? "" : ` ${freeBytes} bytes are free.`;
  return ownFailure(
    "DISK_FULL",
    { detail: `The download folder has too little free space.${needed}${free}` },
    { cause },
  );
}
