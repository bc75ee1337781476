// The view of a save: asks the server how far it is, shows it, and passes on what the person presses.
import type { ToolName } from "../tools/catalog.ts";
import {
  type Fields,
  failureOf,
  fields,
  isFields,
  MAX_NAME_CHARACTERS,
  readList,
  readRow,
  readSave,
  readStop,
  text,
} from "./answers.ts";
import { percentOf, progressOf, type Save, toldToModel, wordsOf } from "./words.ts";

/** Set by the build. */
declare const VERSION: string;

const POLL_MS = 2_000;
/** While nothing runs, or nobody looks. */
const SLOW_POLL_MS = 10_000;
/** Longer than any call here takes; some hosts ask the person first. */
const ANSWER_LIMIT_MS = 60_000;

const UNANSWERED = "The client did not answer.";

const LIST: ToolName = "list_saved_snapshots";
const SAVE: ToolName = "save_flex_snapshot";
const STOP: ToolName = "stop_saving_snapshot";

/** What is shown of a finished file, to copy. */
const FILE = ["path", "sha256"] as const;

let order: Fields = {};
let save = readRow({ state: "looking", bytes: 0 });
/** What the host lets a view do. */
let can: Fields = {};
/** What is wrong with the view itself. */
let problem = "";
/** The call that this view belongs to still runs. */
let isCalled = true;
let isAsking = false;
let isActing = false;
let isLooking = false;
let isSimulated: unknown;
/** The last look has found the finished file. */
let isFound = false;
/** How often the person has pressed. An answer that began before a press is out of date. */
let acts = 0;
let timer = 0;

const host = window.parent;
const root = document.documentElement;
/** What the names of notifications begin with. */
const NOTICE = "ui/notifications/";
const waiting: Record<string, (message: Fields) => void> = Object.create(null);
let lastId = 0;

const has = (tool: ToolName) => can.serverTools && root.dataset.tools?.includes(tool);
const isRunning = (save: Save) => wordsOf(save)[1] === "info" && save.phase !== "elsewhere";

/** The host's origin is not known, and nothing that is sent is a secret from it. */
const send = (message: object) => host.postMessage({ jsonrpc: "2.0", ...message }, "*");

const request = (method: string, params: object): Promise<Fields> =>
  new Promise((resolve, reject) => {
    const id = ++lastId;
    waiting[id] = ({ result }) => {
      delete waiting[id];
      isFields(result) ? resolve(result) : reject();
    };
    setTimeout(reject, ANSWER_LIMIT_MS);
    send({ id, method, params });
  });

window.onmessage = ({ source, data }) => {
  if (source !== host || !isFields(data)) return;
  const { id, method } = data;
  const params = fields(data.params);
  if (!method) return waiting[`${id}`]?.(data);
  if (id !== undefined) {
    // The host removes the view: make no more calls. The save goes on.
    if (method === "ui/resource-teardown") can = {};
    else if (method !== "ping") return send({ id, error: { code: -32601, message: "" } });
    return send({ id, result: {} });
  }
  const [, event] = text(method).split(NOTICE);
  if (event === "host-context-changed") return dress(params);
  if (event === "tool-input") order = fields(params.arguments);
  else if (event === "tool-result" || event === "tool-cancelled") isCalled = false;
  else return;
  if (event === "tool-result" && !acts) attempt(() => update(readSave(noted(params), save)));
  show();
  poll(0);
};

/** Takes on the colours and fonts of the host. */
function dress({ theme, styles }: Fields): void {
  const { style } = root;
  if (theme) style.colorScheme = text(theme);
  for (const [name, value] of Object.entries(fields(fields(styles).variables)))
    if (name.startsWith("--")) style.setProperty(name, text(value));
}

/** Runs what reads an answer. What cannot be read is said, and what was known stays. */
function attempt(read: () => void): void {
  problem = "";
  try {
    read();
  } catch {
    problem = "The server's answer cannot be read.";
  }
}

function noted(result: Fields): Fields {
  isSimulated ||= fields(result.structuredContent).simulated;
  return result;
}

/** The answer of a call goes to `read`, unless the call failed; that is said. */
async function call(tool: ToolName, args: object, read: (result: Fields) => void): Promise<void> {
  const begun = acts;
  try {
    const result = noted(await request("tools/call", { name: tool, arguments: args }));
    if (begun !== acts) return;
    attempt(() => read(result));
    problem ||= failureOf(result) ?? "";
  } catch {
    problem = UNANSWERED;
  }
}

function update(next: Save, who = ""): void {
  const isNews = who || (next.phase !== save.phase && save.phase !== "looking" && !isRunning(next));
  save = next;
  const told = isNews && can.updateModelContext && toldToModel(save, who || "seen by the view");
  // A model that was not told can ask the server.
  if (told) request("ui/update-model-context", { content: [{ type: "text", text: told }] }).catch(() => {});
}

/** Looks again after a while, unless nothing can change any more. */
function poll(afterMs: number): void {
  clearTimeout(timer);
  if (has(LIST) && !(isFound && save.phase === "complete")) timer = setTimeout(look, afterMs);
}

async function look(): Promise<void> {
  if (isLooking || isActing) return;
  isLooking = true;
  await call(LIST, {}, (result) => failureOf(result) ?? found(readList(result, order, save)));
  isLooking = false;
  show();
  poll(isRunning(save) && !document.hidden ? POLL_MS : SLOW_POLL_MS);
}

function found(next: Save): void {
  // A call that runs may not have begun its save yet; a failure and the end by the person stay what they are.
  if (next.phase === "gone" && (isCalled || ["failed", "discarded"].includes(save.phase))) return;
  isFound = next.phase === "complete";
  update(next);
}

/** One thing that the person wants of the server. */
async function act(tool: ToolName, args: object, who: string): Promise<void> {
  isActing = true;
  acts += 1;
  isAsking = false;
  show();
  const read = tool === SAVE ? readSave : readStop;
  await call(tool, { snapshotId: save.snapshotId, ...args }, (result) => {
    if (failureOf(result) !== undefined) return;
    const next = read(result, save);
    update(next, next === save ? "" : who);
  });
  isActing = false;
  show();
  poll(POLL_MS);
}

const at = (id: string): HTMLElement => document.getElementById(id) ?? document.body;

/** Equal text is left alone, so that a selection stays. Nothing to say is not shown. */
function put(id: string, ...words: unknown[]): void {
  const element = at(id);
  const text = words.filter(Boolean).join(" · ");
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

/** Every text is set as text: names, paths and reasons are foreign. */
function show(): void {
  const { phase, bytes, snapshotId } = save;
  const [title, tone, note] = wordsOf(save);
  const isDone = phase === "complete" || phase === "changed";
  const percent = tone === "success" ? 100 : isDone ? undefined : percentOf(save);
  document.body.dataset.tone = tone;
  put("name", save.name || text(order.name, MAX_NAME_CHARACTERS) || "Backup");
  put("mark", title);
  put("facts", save.project, save.when && `backup of ${save.when}`, isSimulated && "simulated");
  put("progress", ...progressOf(save));
  const limit = !has(LIST) && !isDone && "As of the assistant's last look.";
  put("note", [save.reason, note, limit].filter(Boolean).join(" "));
  for (const id of FILE) put(id, isDone && save[id]);
  put("problem", problem);
  const bar = at("bar");
  bar.setAttribute("value", `${percent}`);
  bar.hidden = percent === undefined;

  const focused = document.activeElement;
  const canStop = has(STOP) && snapshotId && isRunning(save);
  const canGiveUp = canStop || (has(STOP) && phase === "paused" && bytes);
  if (!canGiveUp) isAsking = false;
  at("pause").hidden = isAsking || !canStop;
  at("continue").hidden = isAsking || phase !== "paused" || !has(SAVE);
  at("give-up").hidden = isAsking || !canGiveUp;
  at("question").hidden = !isAsking;
  at("actions").ariaBusy = `${isActing}`;
  // The focus of a button that is gone goes on to one that is there, not to the top of the page.
  if (focused instanceof HTMLButtonElement && !focused.offsetParent)
    (document.querySelector<HTMLElement>(isAsking ? "#keep" : "#actions>:not([hidden])") ?? at("name")).focus();

  const quarter = 25 * Math.floor((percent ?? 0) / 25);
  // A screen reader hears each state and each quarter of a download, not every figure.
  put("news", problem || title, quarter > 0 && `${quarter} %`);
}

function press(id: string, act: () => void): void {
  at(id).onclick = () => {
    if (!isActing) act();
    show();
  };
}
press("pause", () => act(STOP, {}, "paused by the person: continue only when asked"));
press("continue", () => {
  const { groupId, name } = save;
  act(SAVE, { groupId, name, waitSeconds: 0 }, "continued by the person");
});
press("give-up", () => {
  isAsking = true;
});
press("keep", () => {
  isAsking = false;
});
press("discard", () => act(STOP, { discard: true }, "given up by the person"));
for (const id of FILE)
  press(`copy-${id}`, () => {
    getSelection()?.selectAllChildren(at(id));
    // Unlike the Clipboard API, this needs no permission of the host.
    put(`copy-${id}`, document.execCommand("copy") ? "Copied" : "Selected");
  });
document.onvisibilitychange = () => poll(0);
new ResizeObserver(() => {
  send({ method: `${NOTICE}size-changed`, params: { height: root.offsetHeight } });
}).observe(root);

request("ui/initialize", {
  protocolVersion: "2026-01-26",
  appInfo: { name: "atlas-flex-snapshots", version: VERSION },
  appCapabilities: {},
})
  .then(({ hostCapabilities, hostContext }) => {
    can = fields(hostCapabilities);
    dress(fields(hostContext));
    send({ method: `${NOTICE}initialized` });
  })
  .catch(() => {
    problem = UNANSWERED;
  })
  .finally(show);
