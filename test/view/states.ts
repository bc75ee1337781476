import type { Server } from "./shown.ts";

/** Answers as the tools give them, for states that a real save passes too fast or too seldom. */
export const IDS = {
  groupId: "5fa1000000000000000000b1",
  name: "orders",
  snapshotId: "5fa1000000000000000000c8",
};
const ABOUT = { projectName: "Shop", when: "Thu 26 Nov, 04:01, 9 hours ago" };

export const success = (structuredContent: object, _meta: object = {}) => ({
  content: [{ type: "text", text: JSON.stringify(structuredContent) }],
  structuredContent,
  _meta,
});

export const failure = (error: object) => ({
  isError: true,
  content: [{ type: "text", text: "It failed." }],
  structuredContent: { error },
});

export const transfer = (state: string, more: object = {}) => ({
  state,
  ...ABOUT,
  bytes: 28_100_000,
  totalBytes: 67_108_864,
  continueWith: IDS,
  ...more,
});

export const file = (more: object = {}) => ({
  ...IDS,
  ...ABOUT,
  fileName: "orders.tgz",
  path: "/home/ada/atlas-flex-snapshots/orders-20261126T0401Z-5fa1000000000000000000c8.tgz",
  bytes: 67_108_864,
  size: "67.1 MB",
  state: "complete",
  sound: true,
  ...more,
});

export const SHA256 = "abf0b3cd8e98911ed1e10beee7a5d732d63191881014a3db0495d654b17cc4f5";

export const listed = (transfers: object[], files: object[] = []) =>
  success(
    { directory: "/home/ada/atlas-flex-snapshots", transfers, files, nextStep: "" },
    { "atlas-flex-snapshots/view": { lookingUp: [], found: {}, sha256: { [IDS.snapshotId]: SHA256 } } },
  );

/** What `save_flex_snapshot` answers a call that does not wait. */
export const BEGUN = success({ state: "requesting", ...IDS, ...ABOUT, bytes: 0, nextStep: "" });

export const REASON = {
  errorCode: "NETWORK_ERROR",
  detail: "The file host cannot be reached.",
  hint: "Check the network, then continue.",
  retryable: true,
};

/** Each state that the view shows, by its title. */
export const STATES: Record<string, object> = {
  "Waiting for Atlas": listed([transfer("requesting", { bytes: 0, totalBytes: undefined })]),
  Queued: listed([transfer("queued", { bytes: 0, totalBytes: undefined })]),
  Downloading: listed([transfer("downloading", { timeLeft: "6 seconds" })]),
  Verifying: listed([transfer("verifying", { bytes: 67_108_864 })]),
  Paused: listed([transfer("paused", { lastError: REASON })]),
  "Saved elsewhere": listed([transfer("elsewhere")]),
  Complete: listed([], [file()]),
  Incomplete: listed([], [file({ sound: false })]),
  Changed: listed([], [file({ state: "changed", sound: undefined })]),
  "Not running": listed([]),
};

/** A server whose list is as given, behind the page of a real one. */
export const answering =
  (answer: () => unknown): Server["call"] =>
  async () => ({ ...Object(answer()) });
