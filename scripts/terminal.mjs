// What the demo prints: colours and a moving bar on a terminal, plain lines anywhere else.
const { stdout, env } = process;
const colourful = stdout.isTTY && !env.NO_COLOR;
const colour = (code) => (text) => (colourful ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = colour(1);
export const dim = colour(2);
export const green = colour(32);
export const cyan = colour(36);

/** One step of the story, as a heading. */
export function step(text) {
  stdout.write(`\n${bold(text)}\n`);
}

export function say(text) {
  stdout.write(`  ${text}\n`);
}

/** A tool call as the client sends it. */
export function asked(name, args) {
  say(`${cyan("→")} ${name} ${dim(JSON.stringify(args))}`);
}

/** The fields of an answer that tell the story. */
export function answered(fields) {
  const shown = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const lines = JSON.stringify(shown, null, 2).split("\n").slice(1, -1);
  for (const line of lines) say(`${green("←")} ${line.slice(2)}`);
}

/** Shows how far a call is: one line that is drawn over on a terminal, otherwise one line for each new message. */
export function progress({ progress, total, message }) {
  const share = total ? Math.min(progress / total, 1) : 0;
  const bar = `${"█".repeat(Math.round(share * 30))}${"░".repeat(30 - Math.round(share * 30))}`;
  const line = `  ${dim(bar)} ${message ?? ""}`;
  stdout.write(colourful ? `\r\u001b[2K${line}` : `${line}\n`);
}

/** Ends the line that `progress` draws over. */
export function progressDone() {
  if (colourful) stdout.write("\r\u001b[2K");
}
