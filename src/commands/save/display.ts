// Shows how saves go on: bars on a terminal, lines elsewhere.
import { Writable } from "node:stream";
import { createLogUpdate } from "log-update";
import { sizeInWords, spanInWords } from "../../core/text.ts";
import type { SaveReport } from "../../download/contract.ts";
import { transferMessage } from "../../tools/file-view.ts";
import type { Look } from "../terminal.ts";

/** Progress goes to standard error, results to standard output. */
export interface Display {
  /** How far one save is; `label` names its cluster. */
  show: (label: string, report: SaveReport) => void;
  /** A short sentence in place of the progress; `detail`, which changes often, is for terminals only. */
  tell: (label: string, text: string, detail?: string) => void;
  /** The save has ended: its progress is not shown any more. */
  remove: (label: string) => void;
  /** Writes lines above the bars. */
  print: (stream: NodeJS.WritableStream, text: string) => void;
  /** Standard error, above the bars. */
  stderr: Writable;
}

type Terminal = Writable & { columns?: number };

/** How often a line says how far a save is, where there are no bars. */
const LINE_EVERY_MS = 10_000;

export function createDisplay(stderr: Terminal, look: Look, now: () => number): Display {
  return look.columns === undefined ? lines(stderr, now) : bars(stderr, look);
}

/** A line at each new state, and every ten seconds. */
function lines(stderr: Terminal, now: () => number): Display {
  const last = new Map<string, { state: string; at: number }>();
  function write(label: string, state: string, text: string): void {
    const before = last.get(label);
    if (before?.state === state && now() - before.at < LINE_EVERY_MS) return;
    last.set(label, { state, at: now() });
    stderr.write(`${timeOf(now())} ${label}: ${text}\n`);
  }
  return {
    show: (label, report) => write(label, report.state, transferMessage(report)),
    tell: (label, text) => write(label, text, text),
    remove: (label) => void last.delete(label),
    print: (stream, text) => void stream.write(text),
    stderr,
  };
}

/** In this computer's time zone. */
function timeOf(at: number): string {
  const time = new Date(at);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}

/** A bar for each save, drawn again in place. */
function bars(stderr: Terminal, look: Look): Display {
  const update = createLogUpdate(stderr, { showCursor: true });
  const rows = new Map<string, (columns: number, labelWidth: number) => string>();
  function draw(): void {
    const columns = stderr.columns || look.columns || 80;
    const labelWidth = Math.min(MAX_LABEL, Math.max(...[...rows.keys()].map((label) => label.length)));
    if (rows.size > 0) update([...rows.values()].map((row) => row(columns, labelWidth)).join("\n"));
    else update.clear();
  }
  stderr.on("resize", draw);
  const set = (label: string, row: (columns: number, labelWidth: number) => string) => {
    rows.set(label, row);
    draw();
  };
  function print(stream: NodeJS.WritableStream, text: string): void {
    update.clear();
    stream.write(text);
    draw();
  }
  return {
    show: (label, report) => set(label, (columns, width) => barRow(padded(label, width), report, columns)),
    tell: (label, text, detail) => {
      const whole = detail === undefined ? text : `${text}: ${detail}`;
      set(label, (columns, width) => cut(`${padded(label, width)}  ${whole}`, columns));
    },
    remove: (label) => {
      rows.delete(label);
      draw();
    },
    print,
    stderr: new Writable({
      write(chunk, _encoding, done) {
        print(stderr, String(chunk));
        done();
      },
    }),
  };
}

/** The text beside a bar keeps its width, so that the bar keeps its own: `100%  999.9 of 999.9 MB  999.9 MB/s  59 minutes left`. */
const FIGURES_WIDTH = 52;
/** The width without the rate, whose room a long label takes. */
const FEW_FIGURES_WIDTH = 40;
const MAX_LABEL = 28;
const MAX_BAR = 40;
const MIN_BAR = 6;

/** One line of at most `columns` - 1 characters: a full line would make some terminals begin another one. */
export function barRow(label: string, report: SaveReport, columns: number): string {
  const { state, bytes, totalBytes } = report;
  if (!totalBytes || (state !== "downloading" && state !== "verifying"))
    return cut(`${label}  ${transferMessage(report)}`, columns);
  const share = Math.min(1, bytes / totalBytes);
  const room = columns - 1 - label.length - 4;
  const isRoomy = room - FIGURES_WIDTH >= MIN_BAR;
  const figures = `${String(Math.floor(share * 100)).padStart(3)}%  ${figuresOf(report, isRoomy)}`;
  const width = Math.min(MAX_BAR, room - (isRoomy ? FIGURES_WIDTH : FEW_FIGURES_WIDTH));
  if (width < MIN_BAR) return cut(`${label}  ${figures}`, columns);
  const full = Math.round(share * width);
  return cut(`${label}  ${"█".repeat(full)}${"░".repeat(width - full)}  ${figures}`, columns);
}

function figuresOf(report: SaveReport, withRate: boolean): string {
  const { state, bytes, totalBytes = 0, bytesPerSecond, secondsLeft } = report;
  const total = sizeInWords(totalBytes);
  if (state === "verifying") return `${total}  verifying`;
  const unit = total.slice(total.indexOf(" "));
  const done = sizeInWords(bytes);
  const amount = `${done.endsWith(unit) ? done.slice(0, -unit.length) : done} of ${total}`;
  const rate = bytesPerSecond ? `${sizeInWords(bytesPerSecond)}/s` : "";
  const left = secondsLeft === undefined ? "" : `${spanInWords(secondsLeft)} left`;
  return [amount.padEnd(17), ...(withRate ? [rate.padEnd(10)] : []), left].join("  ").trimEnd();
}

const padded = (label: string, width: number) =>
  label.length > width ? `${label.slice(0, width - 1)}…` : label.padEnd(width);

const cut = (line: string, columns: number) => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`);
