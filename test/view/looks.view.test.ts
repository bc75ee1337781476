import axe from "axe-core";
import { describe, expect, test } from "vitest";
import { pageFor, type Shown, show, withBrowser } from "./shown.ts";
import { answering, BEGUN, failure, file, IDS, listed, REASON, STATES, transfer } from "./states.ts";

withBrowser();

async function shownIn(
  answer: () => unknown,
  options: Parameters<typeof show>[2] = {},
  begun: object = BEGUN,
): Promise<Shown> {
  const shown = await show(await pageFor(), answering(answer), options);
  await shown.send("ToolInput", { arguments: IDS });
  await shown.send("ToolResult", begun);
  return shown;
}

/** What axe-core finds wrong, in the frame of the view. */
async function violationsOf({ view }: Shown): Promise<unknown> {
  await view.evaluate(axe.source);
  return view.evaluate("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))");
}

/** Colours and fonts as one host gives them. */
const HOST_STYLES = {
  variables: {
    "--color-background-primary": "light-dark(#faf9f5, #262624)",
    "--color-text-primary": "light-dark(#141413, #faf9f5)",
    "--font-sans": "Courier",
  },
};

describe.each(["light", "dark"] as const)("in %s", (theme) => {
  test.each(Object.keys(STATES))("axe-core finds nothing wrong with %s, at 320 pixels", async (state) => {
    const shown = await shownIn(() => STATES[state], { context: { theme }, width: 320 });
    await expect.poll(() => shown.text("mark")).toBe(state);
    expect(await violationsOf(shown)).toEqual([]);
    expect(await shown.view.evaluate("document.documentElement.scrollWidth")).toBe(320);
  });

  test("axe-core finds nothing wrong with a failure, with a question, and under the colours of a host", async () => {
    const context = { theme, styles: HOST_STYLES };
    const failed = await shownIn(() => listed([]), { context }, failure(REASON));
    await expect.poll(() => failed.text("mark")).toBe("Not saved");
    expect(await violationsOf(failed)).toEqual([]);
    const asking = await shownIn(() => STATES.Downloading, { context });
    await asking.view.click("#give-up");
    expect(await asking.buttons()).toEqual(["Stop and delete", "Cancel"]);
    expect(await violationsOf(asking)).toEqual([]);
  });
});

const styleOf = ({ view }: Shown, id: string, name: string) =>
  view.evaluate(`getComputedStyle(document.querySelector("${id}")).${name}`);

test("the view takes on the theme, the colours and the font of its host, also when they change", async () => {
  const shown = await shownIn(() => STATES.Downloading, { context: { theme: "light", styles: HOST_STYLES } });
  expect(await styleOf(shown, "body", "backgroundColor")).toBe("rgb(250, 249, 245)");
  expect(await styleOf(shown, "body", "fontFamily")).toBe("Courier");
  await shown.send("HostContextChange", { theme: "dark", styles: HOST_STYLES });
  await expect.poll(() => styleOf(shown, "body", "backgroundColor")).toBe("rgb(38, 38, 36)");
});

test("without a host's theme, the view follows the system", async () => {
  const shown = await shownIn(() => STATES.Downloading, { colorScheme: "dark" });
  expect(await styleOf(shown, "body", "backgroundColor")).toBe("rgb(28, 28, 26)");
});

test.each(["Queued", "Downloading"])("nothing in the view moves by itself: %s", async (state) => {
  const shown = await shownIn(() => STATES[state]);
  await expect.poll(() => shown.text("mark")).toBe(state);
  expect(await shown.view.locator("#bar").isVisible()).toBe(state === "Downloading");
  expect(await styleOf(shown, "#bar", "appearance")).toBe("none");
  expect(await shown.view.evaluate("document.getAnimations().length")).toBe(0);
});

test("the keyboard alone reaches everything, and the focus stays where the next step is", async () => {
  let state = "Downloading";
  const shown = await show(await pageFor(), async (name, args) => {
    if (name === "stop_saving_snapshot") state = args.discard ? "Not running" : "Paused";
    if (name === "save_flex_snapshot") state = "Downloading";
    if (name === "list_saved_snapshots") return { ...STATES[state] };
    const { structuredContent } = Object(name === "save_flex_snapshot" ? BEGUN : {});
    return {
      content: [],
      structuredContent: structuredContent ?? { state: args.discard ? "discarded" : "stopped", bytes: 5, nextStep: "" },
    };
  });
  await shown.send("ToolInput", { arguments: IDS });
  await shown.send("ToolResult", BEGUN);
  await expect.poll(() => shown.text("mark")).toBe("Downloading");
  const focus = () => shown.view.evaluate("document.activeElement.textContent");
  const press = async (key: string) => {
    await shown.page.keyboard.press(key);
    await shown.text("mark");
  };
  await press("Tab");
  expect(await focus()).toBe("Pause");
  await press("Enter");
  await expect.poll(() => shown.text("mark")).toBe("Paused");
  expect(await focus()).toBe("Continue");
  await press("Space");
  await expect.poll(() => shown.text("mark")).toBe("Downloading");
  expect(await focus()).toBe("Pause");
  await press("Tab");
  await press("Enter");
  expect(await focus()).toBe("Cancel");
  await press("Enter");
  expect(await focus()).toBe("Pause");
  await press("Tab");
  await press("Enter");
  await press("Shift+Tab");
  expect(await focus()).toBe("Stop and delete");
  await press("Enter");
  await expect.poll(() => shown.text("mark")).toBe("Given up");
  expect(await focus()).toBe("orders");
});

test("a screen reader hears the state and each quarter, and not every figure", async () => {
  let bytes = 17_000_000;
  const shown = await shownIn(() => listed([transfer("downloading", { bytes })]), { hasOwnClock: true });
  const { view } = shown;
  await expect.poll(() => shown.text("news")).toBe("Downloading · 25 %");
  await view.evaluate(
    "window.heard = []; new MutationObserver(() => heard.push(news.textContent)).observe(news, { childList: true })",
  );
  for (const share of [0.3, 0.4, 0.45, 0.51, 0.6]) {
    bytes = Math.ceil(share * 67_108_864);
    await shown.pass(2_000);
    await expect.poll(() => shown.text("progress")).toContain(`${Math.floor(share * 100)} %`);
  }
  expect(await view.evaluate("heard")).toEqual(["Downloading · 50 %"]);
  expect(await view.locator("#bar").getAttribute("aria-label")).toBe("Progress");
});

test("Copy copies the path and the checksum", async () => {
  const shown = await shownIn(() => STATES.Complete);
  const { view, page } = shown;
  await view.click("#copy-path");
  expect(await shown.text("copy-path")).toBe("Copied");
  expect(await view.evaluate("String(getSelection())")).toBe(await shown.text("path"));
  await page.evaluate('document.body.append(document.createElement("textarea"))');
  await page.focus("textarea");
  await page.keyboard.press("Control+V");
  expect(await page.inputValue("textarea")).toBe(file().path);
});

const NASTY = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>\u202egnp.exe\u2066 \u200b\u0007\nline`;

test("foreign texts are only text: no markup, nothing that hides, turns or floods the text beside it", async () => {
  const flood = NASTY + "A".repeat(10_000);
  const nasty = { name: flood, projectName: NASTY, when: NASTY };
  const paused = listed([
    { ...transfer("paused", nasty), continueWith: { ...IDS, name: flood }, lastError: { detail: flood, hint: NASTY } },
  ]);
  const shown = await shownIn(() => paused, {}, failure({ detail: flood, hint: NASTY }));
  const check = async () => {
    const { view } = shown;
    expect(await view.evaluate("document.title")).toBe("Backup");
    expect(await view.evaluate("document.querySelectorAll('img, main script, a').length")).toBe(0);
    const text = String(await view.evaluate("document.body.innerText"));
    expect(text).toContain("<img src=x");
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u0007]/);
    expect(text.length).toBeLessThan(10_000);
    expect(await view.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(await violationsOf(shown)).toEqual([]);
  };
  await expect.poll(() => shown.text("mark")).toBe("Not saved");
  await check();
  const done = await shownIn(() => listed([], [file({ ...nasty, ...IDS, path: flood })]));
  await expect.poll(() => done.text("mark")).toBe("Complete");
  expect(await done.view.evaluate("document.title")).toBe("Backup");
  expect(shown).toMatchObject({ outside: [], errors: [], told: [] });
});
