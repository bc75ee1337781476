// How long it takes until a file is verified on disk, compared with the same work by hand.
import { summarize } from "../report/figures.mjs";
import { byHand, linkOf, prepare, save, startLine, startSimulator } from "../run/atlas.mjs";
import { findProgram, inFolder } from "../run/processes.mjs";

/** The simulator's `contents` setting, and its name in the tables. */
const KINDS = [
  ["compressible", "4:1"],
  ["incompressible", "incompressible"],
];

const LINES = [
  { key: "loopback", head: "as fast as loopback" },
  { key: "slow", head: "20 ms round trip, 1 Gbit/s", roundTripMs: 20, bytesPerSecond: 125e6 },
];

const CURL = 'curl --fail --silent --show-error --output "$2" "$1"';

/** `$1` is the link, `$2` the file. */
const BY_HAND = [
  { key: "curl", name: "`curl -o` alone, neither checked nor synced", line: CURL, needs: ["curl"] },
  {
    key: "usual",
    name: "`curl`, `sync`, `sha256sum`, `gzip -t`",
    line: `${CURL}; sync "$2"; sha256sum "$2"; gzip --test "$2"`,
    needs: ["curl", "sync", "sha256sum", "gzip"],
  },
  {
    key: "fastest",
    name: "`curl`, `sync`, `openssl dgst`, `pigz -t`",
    line: `${CURL}; sync "$2"; openssl dgst -sha256 "$2"; pigz --test "$2"`,
    needs: ["curl", "sync", "openssl", "pigz"],
  },
];

export async function transfer({ bytes, rounds }, { interleave }) {
  const tables = [];
  for (const line of LINES)
    tables.push(await inFolder((folder) => onLine(line, bytes, rounds[line.key], folder, interleave)));
  return tables;
}

async function onLine(line, bytes, rounds, folder, interleave) {
  const variants = [];
  const opened = [];
  for (const [contents, kind] of KINDS) {
    const simulator = await startSimulator({ contents, snapshotBytes: bytes });
    opened.push(simulator);
    await prepare(simulator);
    const far = line.roundTripMs === undefined ? {} : await startLine(simulator, line);
    if (far.close) opened.push(far);
    const target = { ...simulator, ...far };
    const link = await linkOf(target);
    for (const { key, name, line: script, needs } of BY_HAND) {
      const missing = await missingOf(needs);
      const run = missing.length > 0 ? undefined : () => byHand(script, link, folder);
      variants.push({ kind, key, name, run, missing });
    }
    variants.push({ kind, key: "ours", name: "this server", run: () => save(target, folder), missing: [] });
  }
  const present = variants.filter(({ run }) => run);
  const samples = await interleave(rounds, present, line.head);
  for (const { close } of opened.toReversed()) await close();
  expectSameFile(present, samples);
  return tableOf(line, bytes, variants, (variant) => samples[present.indexOf(variant)]);
}

async function missingOf(programs) {
  const found = await Promise.all(programs.map(findProgram));
  return programs.filter((_, index) => found[index] === undefined);
}

/** The comparison is worthless unless all variants got the same bytes. */
function expectSameFile(variants, samples) {
  for (const [, kind] of KINDS) {
    const sums = variants.flatMap((variant, index) =>
      variant.kind === kind ? samples[index].flatMap(({ sha256 }) => sha256 ?? []) : [],
    );
    if (new Set(sums).size > 1) throw new Error(`The ${kind} files differ: ${[...new Set(sums)]}`);
  }
}

function tableOf(line, bytes, variants, samplesOf) {
  const rows = variants.map((variant) => {
    const { kind, key, name, missing } = variant;
    const samples = samplesOf(variant);
    const head = { key: `${kind} ${key}`, name: `${kind}: ${name}` };
    if (!samples) return { ...head, cells: { seconds: `not measured: no ${missing.join(", ")}` } };
    const seconds = summarize(samples.map((sample) => sample.seconds));
    const cells = {
      seconds,
      rate: bytes / 1e6 / seconds.median,
      cpuSeconds: summarize(samples.map(({ cpuSeconds }) => cpuSeconds)),
      peakMb: summarize(samples.map(({ peakMb }) => peakMb)),
    };
    return { ...head, cells };
  });
  const columns = [
    { key: "seconds", head: "seconds", digits: 2 },
    { key: "rate", head: "MB/s" },
    { key: "cpuSeconds", head: "CPU seconds", digits: 2 },
    { key: "peakMb", head: "peak memory, MB" },
  ];
  return { key: `transfer-${line.key}`, title: line.head, head: "Archive and method", columns, rows };
}
