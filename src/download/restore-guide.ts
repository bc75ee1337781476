import type { Contents, RestoreGuide } from "./contract.ts";

export function restoreGuide(
  _contents: Contents,
  _facts: { path: string; mongoDBVersion?: string; platform: NodeJS.Platform },
): RestoreGuide | undefined {
  return undefined;
}
