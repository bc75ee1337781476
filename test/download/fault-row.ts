import { type Behaviour, type RemoteFile, serve, type Twist } from "./fault-server.ts";
import { KIB } from "./fixtures.ts";

/** Two versions of the same snapshot's file. */
export interface Versions {
  one: RemoteFile;
  two: RemoteFile;
}

/** What a save comes to: `saved` (version one), `saved two`, or how it ends and with which code. */
export type Outcome = "saved" | "saved two" | `paused ${string}` | `rejected ${string}`;

export interface FaultRow {
  name: string;
  script: (versions: Versions) => Behaviour[];
  expected: Outcome;
  /** The Range header of each request; a number is a start, undefined no Range at all. */
  ranges?: (number | undefined)[];
  /** Whether the fault shows only as silence: the limits on it are then small. */
  silent?: true;
  /** How often a link is asked for. */
  links?: number;
}

/** Small limits on silence; a busy computer may meet them by itself, which costs a retry. */
export const IMPATIENT = { stallMs: 300, lowSpeedBytesPerSecond: 16 * KIB, lowSpeedWindowMs: 400 };

export const CUT = 100 * KIB;

/** Sends the beginning and breaks off. */
export const cut = (file: RemoteFile, twist: Twist = {}) => serve(file, { after: CUT, ...twist });

export const withoutEtag = ({ bytes }: RemoteFile): RemoteFile => ({ bytes });

export const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toUTCString();

export const range = (first: number, last: number, total: number) => ({
  "content-range": `bytes ${first}-${last}/${total}`,
});
