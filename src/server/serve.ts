import type { Readable, Writable } from "node:stream";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Config } from "../config/config.ts";
import { secretsOf } from "../config/credentials.ts";
import { withOrdersChecked } from "../config/simulator.ts";
import { type Failure, ownFailure } from "../core/errors.ts";
import { createLog, type Log } from "../core/logger.ts";
import { createRedactor } from "../core/redact.ts";
import { systemClock } from "../core/time.ts";
import { type ServerFacts, withEras } from "../protocol/eras.ts";
import { withHandshake } from "../protocol/handshake.ts";
import { runUntilEnd } from "../protocol/lifecycle.ts";
import { createStdioTransport } from "../protocol/stdio-transport.ts";
import { type Offer, offersOf } from "../tools/catalog.ts";
import { instructions } from "./instructions.ts";
import type { Runtime } from "./runtime.ts";

/** Serves one MCP client on standard input and output until either side ends. */
export async function serve({ config, version }: { config: Config; version: string }): Promise<void> {
  const redactor = createRedactor();
  for (const secret of secretsOf(config)) redactor.add(secret);
  const log = createLog({ level: config.logLevel, scrub: redactor.scrub, stderr: process.stderr });
  let runtime: Promise<Runtime> | undefined;
  const startRuntime = () => {
    runtime ??= import("./runtime.ts").then(({ createRuntime }) =>
      createRuntime(config, { clock: systemClock, log, redactor, version }),
    );
    return runtime;
  };
  const offers = offersOf(config);
  const facts = {
    serverInfo: { name: "atlas-flex-snapshots", title: "Atlas Flex snapshots", version },
    capabilities: { tools: {}, prompts: {} },
    instructions: instructions(
      offers.map(({ name }) => name),
      config.simulate,
    ),
  };
  announce(config, offers, log);

  let server: Server | undefined;
  const { open, begun, transport, idle } = createConnection(process.stdin, process.stdout, facts);
  const end = runUntilEnd({
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    process,
    settle: idle,
    async onEnd(reason) {
      log.info({ reason }, "ending");
      await server?.close();
      // One that could not be made holds nothing, and every call has said why.
      await runtime?.then(
        ({ close }) => close(),
        () => undefined,
      );
      await log.written();
    },
    exit: (code) => process.exit(code),
    report: (fault, error) => log.error({ error }, fault),
  });
  await open();
  await begun;
  const { problems } = await withOrdersChecked(config);
  for (const problem of problems.slice(config.problems.length)) log.error({}, problem);
  const { createServer } = await import("./server.ts");
  server = createServer({
    facts,
    offers,
    loadToolList: async () => (await import("../tools/tool-list.ts")).TOOL_LIST,
    loadTools: async () => (await import("../tools/index.ts")).TOOLS,
    runtime: startRuntime,
    ...(problems.length > 0 ? { obstacle: obstacleOf(problems) } : {}),
    settings: config,
    simulated: config.simulate,
    clock: systemClock,
    log,
  });
  server.onclose = () => {
    end("transport-closed").catch((error: unknown) => log.error({ error }, "end failed"));
  };
  await server.connect(await transport());
}

function obstacleOf(problems: readonly string[]): Failure {
  return ownFailure("CONFIGURATION_INVALID", { detail: problems.join(" ") });
}

/** One record that says what is configured, never a secret, and one for each thing that is wrong. */
function announce(config: Config, offers: readonly Offer[], log: Log): void {
  const { simulate, readOnly, hideSnapshotUrls, baseUrl, credentials, downloadDir, allowedProjects, proxy } = config;
  log.info(
    {
      atlas: simulate ? "simulator" : baseUrl.origin,
      credentials: simulate ? "simulated" : (credentials?.kind ?? "none"),
      tools: offers.map(({ name }) => name),
      readOnly,
      hideSnapshotUrls,
      downloadDir,
      allowedProjects: allowedProjects ?? "all",
      proxy: proxy.httpsProxy !== undefined || proxy.httpProxy !== undefined,
    },
    "started",
  );
  // Of credentials that cannot be used the problem says more.
  if (!simulate && !credentials && !config.unusable.includes("credentials"))
    log.warn({}, "No credentials are configured; every call that needs Atlas will say which variables to set.");
  if (offers.length === 0) log.warn({}, "No tool is offered: the choice of tools and read-only together leave none.");
  for (const problem of config.problems) log.error({}, problem);
  for (const warning of config.warnings) log.warn({}, warning);
}

/** The whole of what stands between standard streams and the SDK's `Server`. */
interface Connection {
  /** Starts to read; call it when all who must hear of a broken stream listen to it. */
  open: () => Promise<void>;
  /** Resolves with the first message; a host that waits for `initialize` has its answer then. */
  begun: Promise<void>;
  /** For the server, once it is loaded: everything else waits for it. */
  transport: () => Promise<Transport>;
  /** Resolves when every request received so far was answered or cancelled. */
  idle: () => Promise<void>;
}

export function createConnection(stdin: Readable, stdout: Writable, facts: ServerFacts): Connection {
  const stdio = createStdioTransport(stdin, stdout);
  const { transport, open, begun } = withHandshake(stdio, facts);
  return {
    open,
    begun,
    transport: async () => {
      // It checks with the SDK's schemas, so it is loaded together with the SDK.
      const { withCheckedParams } = await import("../protocol/request-params.ts");
      // The era comes first: a method that a revision removed is unknown there, whatever its params look like.
      return withCheckedParams(withEras(transport, facts));
    },
    idle: stdio.idle,
  };
}
