import { describe, expect, test } from "vitest";
import { pageFor, type Shown, show, withBrowser } from "./shown.ts";
import { answering, BEGUN, failure, file, IDS, listed, REASON, STATES, success, transfer } from "./states.ts";

withBrowser();

const DOWNLOADING = STATES.Downloading ?? {};

/** A view after its call, while the server's list is as `answer` says. */
async function shownAfter(
  answer: () => unknown,
  { begun = BEGUN, args = [], ...options }: { begun?: object; args?: string[] } & Parameters<typeof show>[2] = {},
): Promise<Shown> {
  const shown = await show(await pageFor(...args), answering(answer), { hasOwnClock: true, ...options });
  await shown.send("ToolInput", { arguments: IDS });
  await shown.send("ToolResult", begun);
  return shown;
}

/** What the view answers a request of its host. */
const ask = ({ page }: Shown, method: string) =>
  page.evaluate(`new Promise((resolve) => {
    const id = "ask-" + Math.random();
    addEventListener("message", ({ data }) => data.id === id && resolve(data.result ?? data.error));
    view.contentWindow.postMessage({ jsonrpc: "2.0", id, method: "${method}", params: {} }, "*");
  })`);

describe("a tool that the server does not offer", () => {
  test.each([
    ["save_flex_snapshot,list_saved_snapshots", "Downloading", []],
    ["save_flex_snapshot,list_saved_snapshots", "Paused", ["Continue"]],
    ["save_flex_snapshot,list_saved_snapshots,stop_saving_snapshot", "Downloading", ["Pause", "Give up"]],
  ])("has no button: with %s, %s", async (tools, title, names) => {
    const { text, buttons } = await shownAfter(() => STATES[title], { args: ["--tools", tools] });
    await expect.poll(() => text("mark")).toBe(title);
    expect(await buttons()).toEqual(names);
  });

  test("is not called to look; the view says since when it shows what it shows", async () => {
    const { text, calls } = await shownAfter(() => DOWNLOADING, { args: ["--tools", "save_flex_snapshot"] });
    await expect.poll(() => text("note")).toBe("Begins by itself. As of the assistant's last look.");
    expect(calls).toEqual([]);
  });
});

test("a host that lets views call no tools gets a view that only shows", async () => {
  const paused = success({ state: "paused", ...IDS, bytes: 5_000_000, lastError: REASON, nextStep: "" });
  const { text, buttons, calls, told } = await shownAfter(() => DOWNLOADING, { begun: paused, capabilities: {} });
  await expect.poll(() => text("mark")).toBe("Paused");
  expect(await text("note")).toBe(`${REASON.detail} As of the assistant's last look.`);
  expect({ buttons: await buttons(), calls, told }).toEqual({ buttons: [], calls: [], told: [] });
});

test("messages of others than the host change nothing", async () => {
  const { view, page, text } = await shownAfter(() => DOWNLOADING);
  await expect.poll(() => text("mark")).toBe("Downloading");
  const forged = JSON.stringify({
    jsonrpc: "2.0",
    method: "ui/notifications/host-context-changed",
    params: { styles: { variables: { "--forged": "1" } } },
  });
  await view.evaluate(`postMessage(${forged}, "*")`);
  await page.evaluate(`new Promise((resolve) => {
    const other = document.createElement("iframe");
    other.srcdoc = "<script>parent.view.contentWindow.postMessage(" + JSON.stringify(${forged}) + ", '*'); parent.postMessage('sent', '*')</" + "script>";
    addEventListener("message", ({ data }) => data === "sent" && resolve());
    document.body.append(other);
  })`);
  // A message that was sent later by the host has arrived, so those before it have too.
  await page.evaluate('bridge.sendHostContextChange({ theme: "dark" })');
  await expect.poll(() => view.evaluate("document.documentElement.style.colorScheme")).toBe("dark");
  expect(await view.evaluate("document.documentElement.style.getPropertyValue('--forged')")).toBe("");
});

test.each([
  ["no structured content", { content: [{ type: "text", text: "hello" }] }],
  ["no list", success({})],
  ["an unknown state", listed([transfer("melting")])],
  ["a state that is none", listed([transfer("toString")])],
  ["bytes as text", listed([transfer("downloading", { bytes: "many" })])],
  ["null for a list", success({ transfers: null, files: [] })],
])("an answer with %s is said, and what was known stays", async (_, misfit) => {
  let answer: object = DOWNLOADING;
  const { text, pass } = await shownAfter(() => answer);
  await expect.poll(() => text("mark")).toBe("Downloading");
  answer = misfit;
  await pass(2_000);
  await expect.poll(() => text("problem")).toBe("The server's answer cannot be read.");
  expect(await text("mark")).toBe("Downloading");
  expect(await text("news")).toContain("cannot be read");
  answer = STATES.Complete ?? {};
  await pass(2_000);
  await expect.poll(() => text("mark")).toBe("Complete");
  expect(await text("problem")).toBe("");
});

test("a failed look, and a host that refuses one, are said, and the view looks again", async () => {
  let answer: () => unknown = () => failure({ detail: "The folder is gone.", hint: "Bring it back." });
  const { text, pass } = await shownAfter(() => answer());
  await expect.poll(() => text("problem")).toBe("The folder is gone.");
  answer = () => {
    throw new Error("refused");
  };
  await pass(2_000);
  await expect.poll(() => text("problem")).toBe("The client did not answer.");
  answer = () => STATES.Complete;
  await pass(2_000);
  await expect.poll(() => text("mark")).toBe("Complete");
});

test("a failed call shows why, and a save that it left behind once it is found", async () => {
  const begun = failure({ ...REASON, source: "network" });
  let answer = listed([]);
  const { text, pass } = await shownAfter(() => answer, { begun });
  await expect.poll(() => text("mark")).toBe("Not saved");
  expect(await text("note")).toBe(`${REASON.detail} The assistant knows what helps.`);
  answer = listed([transfer("downloading")]);
  await pass(10_000);
  await expect.poll(() => text("mark")).toBe("Downloading");
});

test.each(["paused", "elsewhere"])(
  "a save of another backup that is %s does not pass for the save of a call that is still looking",
  async (state) => {
    const other = transfer(state, { continueWith: { ...IDS, snapshotId: "5fa1000000000000000000c1" } });
    const shown = await show(
      await pageFor(),
      answering(() => listed([other])),
    );
    await shown.send("ToolInputPartial", { arguments: {} });
    await shown.send("ToolInput", { arguments: { name: IDS.name } });
    await expect.poll(() => shown.calls.length).toBeGreaterThan(1);
    expect(await shown.text("mark")).toBe("Looking for the backup");
    await shown.send("ToolCancelled", { reason: "the person" });
    await expect.poll(() => shown.text("mark")).toBe("Not running");
  },
);

test("a button that is pressed twice calls once, and a failure of it is said", async () => {
  let release = () => {};
  const pressed = new Promise<void>((resolve) => {
    release = resolve;
  });
  const shown = await show(await pageFor(), async (name) => {
    if (name === "list_saved_snapshots") return { ...DOWNLOADING };
    await pressed;
    return failure({ detail: "Another process saves it.", hint: "Stop it there." });
  });
  const { view, text, calls } = shown;
  await shown.send("ToolInput", { arguments: IDS });
  await shown.send("ToolResult", BEGUN);
  await view.click("#pause");
  await view.click("#pause");
  expect(await view.locator("#actions").getAttribute("aria-busy")).toBe("true");
  release();
  await expect.poll(() => text("problem")).toBe("Another process saves it.");
  expect(calls.filter(({ name }) => name === "stop_saving_snapshot")).toHaveLength(1);
});

describe("the view looks", () => {
  /** The looks within a time, by a clock that the test moves. */
  async function looksOf(state: string, prepare: (shown: Shown) => Promise<unknown> = async () => {}) {
    const shown = await shownAfter(() => STATES[state]);
    await expect.poll(() => shown.text("mark")).toBe(state);
    await shown.page.clock.pauseAt(Date.now() + 60_000);
    await prepare(shown);
    const looks = async (ms: number) => {
      const before = shown.calls.length;
      for (let passed = 0; passed < ms; passed += 500) {
        await shown.page.clock.runFor(500);
        // A look passes from the view to its host, to the test, and back: it ends before the clock moves on.
        for (const _ of ["host", "test", "view"]) await ask(shown, "ping");
      }
      return shown.calls.length - before;
    };
    await looks(12_000);
    return looks(20_000);
  }
  const hide = ({ view }: Shown) => view.evaluate('Object.defineProperty(document, "hidden", { value: true })');

  test("every two seconds while a save runs", async () => {
    expect(await looksOf("Downloading")).toBe(10);
  });
  test("every ten seconds while nobody sees it", async () => {
    expect(await looksOf("Downloading", hide)).toBe(2);
  });
  test("every ten seconds while nothing runs", async () => {
    expect(await looksOf("Paused")).toBe(2);
  });
  test("no more after the file is complete", async () => {
    expect(await looksOf("Complete")).toBe(0);
  });
});

test("a host that asks is answered: ping, the end, and what the view does not know", async () => {
  const shown = await shownAfter(() => DOWNLOADING);
  expect(await ask(shown, "ping")).toEqual({});
  expect(await ask(shown, "tools/list")).toMatchObject({ code: -32601 });
  expect(await ask(shown, "ui/resource-teardown")).toEqual({});
  const { view } = shown;
  await expect.poll(() => view.locator("button:visible").count()).toBe(0);
});

test("a file that was saved shows its size and checksum also when it is called by another name", async () => {
  const { text } = await shownAfter(() => listed([], [file({ path: "/backups/mine.tgz" })]));
  await expect.poll(() => text("path")).toBe("/backups/mine.tgz");
  expect(await text("progress")).toBe("67.1 MB");
  expect(await text("sha256")).toMatch(/^[a-f0-9]{64}$/);
});
