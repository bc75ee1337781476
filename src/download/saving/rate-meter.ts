export interface RateMeter {
  add: (bytes: number) => void;
  /** A moving average; undefined before there is anything to average. */
  bytesPerSecond: () => number | undefined;
}

const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;

/** Averages what arrived in the last ten seconds: steady enough to show, quick enough to follow the line. */
export function createRateMeter(now: () => number): RateMeter {
  let samples: { at: number; sum: number }[] = [];
  let sum = 0;
  return {
    add: (bytes) => {
      const at = now();
      // The clock was set back: older samples mean nothing any more.
      if (at < (samples.at(-1)?.at ?? at)) samples = [];
      if (at - (samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= SAMPLE_MS) samples.push({ at, sum });
      sum += bytes;
      while (samples.length > 1 && at - (samples[0]?.at ?? at) > WINDOW_MS) samples.shift();
    },
    bytesPerSecond: () => {
      const first = samples[0];
      const spanMs = first ? now() - first.at : 0;
      return first && spanMs >= SAMPLE_MS ? Math.round(((sum - first.sum) * 1_000) / spanMs) : undefined;
    },
  };
}
