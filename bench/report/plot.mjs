import { figure } from "./tables.mjs";
import { summaryOf } from "./values.mjs";

const WIDTH_PX = 860;
const MARGIN_PX = 24;
const LABELS_PX = 330;
const BARS_PX = 370;
const ROW_PX = 24;
const BAR_PX = 14;
const HEAD_PX = 38;

const PANELS = [
  {
    title: "From start to initialize, milliseconds",
    digits: 0,
    bars: [
      ["start", "current empty", "initializeMs", "node -e 0, to its end"],
      ["start", "current minimal", "initializeMs", "minimal server on the same SDK"],
      ["start", "current ours", "initializeMs", "this server"],
      ["start", "later minimal", "initializeMs", "minimal server, later Node"],
      ["start", "later cached", "initializeMs", "this server, later Node's compile cache"],
    ],
  },
  ...[
    ["4:1", "1 GiB that unpacks to four, on disk and verified, seconds"],
    ["incompressible", "1 GiB that hardly compresses, on disk and verified, seconds"],
  ].map(([kind, title]) => ({
    title,
    digits: 1,
    bars: [
      ["transfer-loopback", `${kind} usual`, "seconds", "curl, sync, sha256sum, gzip -t"],
      ["transfer-loopback", `${kind} fastest`, "seconds", "curl, sync, openssl dgst, pigz -t"],
      ["transfer-loopback", `${kind} ours`, "seconds", "this server"],
    ],
  })),
];

/** A picture with a ground of its own, so that it can be read on a light page and a dark one. */
const STYLE = `
    .ground { fill: #ffffff; stroke: #d0d7de; }
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
    .title { font-weight: 600; }
    .quiet { fill: #59636e; }
    .other { fill: #aeb6bf; }
    .ours { fill: #1a7f37; }
    .spread { stroke: #59636e; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; stroke: #30363d; }
      text { fill: #e6edf3; }
      .quiet { fill: #9198a1; }
      .other { fill: #57606a; }
      .ours { fill: #3fb950; }
      .spread { stroke: #9198a1; }
    }
`;

/** Bars are medians, thin lines reach from the fastest to the slowest run. */
export function plot(sections) {
  let top = MARGIN_PX;
  const parts = [];
  for (const { title, digits, bars } of PANELS) {
    const measured = bars.flatMap(([table, row, column, label]) => {
      const summary = summaryOf(sections, table, row, column);
      return summary ? [{ label, summary, isOurs: /ours|cached/.test(row) }] : [];
    });
    if (measured.length === 0) continue;
    parts.push(`<text class="title" x="${MARGIN_PX}" y="${top + 14}">${title}</text>`);
    parts.push(...panel(measured, digits, top + HEAD_PX - 10));
    top += HEAD_PX + measured.length * ROW_PX + 10;
  }
  parts.push(
    `<text class="quiet" x="${MARGIN_PX}" y="${top + 10}">Medians, less is better; the thin lines reach from the fastest to the slowest run.</text>`,
  );
  const height = top + 10 + MARGIN_PX;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH_PX}" height="${height}" viewBox="0 0 ${WIDTH_PX} ${height}" role="img">
  <title>How long this server takes beside its alternatives</title>
  <style>${STYLE}  </style>
  <rect class="ground" x="0.5" y="0.5" width="${WIDTH_PX - 1}" height="${height - 1}" rx="8"/>
  ${parts.join("\n  ")}
</svg>
`;
}

function panel(bars, digits, top) {
  const longest = Math.max(...bars.map(({ summary }) => summary.max));
  const px = (value) => Math.round((value / longest) * BARS_PX * 10) / 10;
  const left = MARGIN_PX + LABELS_PX;
  return bars.flatMap(({ label, summary: { median, min, max }, isOurs }, index) => {
    const middle = top + (index + 0.5) * ROW_PX;
    return [
      `<text x="${left - 12}" y="${middle + 4.5}" text-anchor="end">${label}</text>`,
      `<rect class="${isOurs ? "ours" : "other"}" x="${left}" y="${middle - BAR_PX / 2}" width="${px(median)}" height="${BAR_PX}" rx="2"/>`,
      `<line class="spread" x1="${left + px(min)}" x2="${left + px(max)}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${left + px(max) + 10}" y="${middle + 4.5}">${figure(median, digits)}</text>`,
    ];
  });
}
