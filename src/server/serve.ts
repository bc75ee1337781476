// Serves one MCP client on standard input and output, from the start of the process to its end.
import { withOrdersChecked } from "../config/simulator.ts";
import type { Config } from "../config/types.ts";
import { createLog, type Log } from "../core/logger.ts";
import { createRedactor } from "../core/redact.ts";
import { systemClock } from "../core/time.ts";
import type { Announced } from "../protocol/eras.ts";
import { createFrontDesk } from "../protocol/front-desk.ts";
import { runUntilEnd } from "../protocol/lifecycle.ts";
import { createStdioTransport } from "../protocol/stdio-transport.ts";
import { offersOf, type ToolName } from "../tools/catalog.ts";
import { answersFor } from "./answers.ts";
import { ICONS } from "./icon.ts";
import { instructions } from "./instructions.ts";
import type { Runtime } from "./runtime.ts";
import { announcesView, VIEW_CAPABILITIES } from "./view.ts";

/** Loads no package before the first call: hosts start a server for every window, and most windows never call a tool. */
export async function serve({ config, version }: { config: Config; version: string }): Promise<void> {
  const redactor = createRedactor(config.secrets);
  const log = createLog({ level: config.logLevel, scrub: redactor.scrub, stderr: process.stderr });
  const tools = offersOf(config).map(({ name }) => name);
  announce(config, tools, log);

  const hasView = config.view && tools.includes("save_flex_snapshot");
  const showsView = (client: Announced) => hasView && announcesView(client);
  const facts = {
    serverInfo: { name: "atlas-flex-snapshots", title: "Atlas Flex snapshots", version },
    icons: ICONS,
    capabilities: (client: Announced) => ({ tools: {}, prompts: {}, ...(showsView(client) && VIEW_CAPABILITIES) }),
    instructions: instructions(tools, config),
  };
  const stdio = createStdioTransport(process.stdin, process.stdout);
  let runtime: Promise<Runtime> | undefined;
  const checked = withOrdersChecked(config).then(({ problems }) => {
    for (const problem of problems.slice(config.problems.length)) log.error({}, problem);
    return problems;
  });
  const desk = createFrontDesk(stdio, {
    facts,
    answers: answersFor(tools, showsView),
    async connect(transport) {
      const [{ createServer }, { createRuntime }] = await Promise.all([
        import("./server.ts"),
        import("./runtime.ts"),
        // From the first call on, a record is written before the answer that it is about.
        log.written(),
      ]);
      const server = createServer({
        serverInfo: facts.serverInfo,
        tools,
        config,
        showsView,
        problems: await checked,
        log,
        startRuntime() {
          runtime ??= createRuntime(config, { clock: systemClock, log, redactor, version, tools });
          return runtime;
        },
      });
      await server.connect(transport);
    },
    report: (level, error) =>
      log[level]({ error }, level === "error" ? "a request could not be answered" : "a message was refused"),
    onClose() {
      end("transport-closed").catch((error: unknown) => log.error({ error }, "end failed"));
    },
  });
  const end = runUntilEnd({
    settle: stdio.idle,
    async onEnd(reason) {
      log.info({ reason }, "ending");
      await desk.close();
      await runtime?.then(
        ({ close }) => close(),
        () => undefined, // The runtime could not be created, so there is nothing to close; every call has reported why.
      );
      await log.written();
    },
    report: (fault, error) => log.error({ error }, fault),
  });
  await desk.start();
}

/** Logs the configuration without its secrets, and all its problems and warnings. */
function announce(config: Config, tools: readonly ToolName[], log: Log): void {
  const { simulate, readOnly, hideSnapshotUrls, baseUrl, credentials, downloadDir, allowedProjects, proxy } = config;
  log.info(
    {
      atlas: simulate ? "simulator" : baseUrl.origin,
      credentials: simulate ? "simulated" : (credentials?.kind ?? "none"),
      tools,
      readOnly,
      hideSnapshotUrls,
      downloadDir,
      allowedProjects: allowedProjects ?? "all",
      proxy: proxy.httpsProxy !== undefined || proxy.httpProxy !== undefined,
    },
    "started",
  );
  // If credentials are set but unusable, a problem below says why.
  if (!simulate && !credentials && !config.unusable.includes("credentials"))
    log.warn({}, "No credentials are configured; every call that needs Atlas will say which variables to set.");
  if (tools.length === 0) log.warn({}, "No tool is offered: the choice of tools and read-only together leave none.");
  for (const problem of config.problems) log.error({}, problem);
  for (const warning of config.warnings) log.warn({}, warning);
}
