export const CODES = [
  "EPERM",
  "EACCES",
  "EBUSY",
  "EXDEV",
  "EMLINK",
  "EIO",
  "ENOTSUP",
  "ENOSYS",
  "EINVAL",
  "EBADF",
  "ENOSPC",
  "EDQUOT",
  "zeros",
] as const;
export type Moment = "always" | "once" | "once every byte is here" | "without links" | "after publication";
export const OUTCOMES: Record<Moment, string> = {
  always: "",
  once: "",
  "once every byte is here": "",
  "without links": "",
  "after publication": "",
};
