const MIB = 1024 ** 2;

/** What is measured, how large and how often. */
export const FULL = {
  start: { rounds: 20 },
  call: { rounds: 10, calls: 100 },
  transfer: { bytes: 1024 * MIB, rounds: { loopback: 5, slow: 3 } },
  growth: {
    sizes: [1, 16, 256, 1024, 4096].map((mib) => mib * MIB),
    jobs: [1, 100, 1_000, 10_000],
    projects: [1, 10, 100, 500],
    rounds: 3,
  },
  footprint: { rounds: 3 },
};

/** Small enough to see in two minutes whether everything runs; the figures mean little. */
export const QUICK = {
  start: { rounds: 3 },
  call: { rounds: 2, calls: 20 },
  transfer: { bytes: 64 * MIB, rounds: { loopback: 1, slow: 1 } },
  growth: { sizes: [1, 64].map((mib) => mib * MIB), jobs: [1, 600], projects: [1, 10], rounds: 1 },
  footprint: { rounds: 1 },
};

/** How much a run puts up with on a machine that others use too. */
export const PATIENT = { tries: 3, waitMs: 180_000 };
export const HASTY = { tries: 1, waitMs: 0 };
