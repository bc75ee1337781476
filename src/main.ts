import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import packageJson from "../package.json" with { type: "json" };
import { createAtlas } from "./atlas/client.ts";
import { createSigner } from "./auth/sign.ts";
import { parseConfig } from "./config.ts";
import { Failure } from "./errors.ts";
import { systemClock } from "./http/clock.ts";
import type { Send } from "./http/send.ts";
import { createTransport } from "./http/transport.ts";
import { createRedactor } from "./redact.ts";
import { createServer } from "./server.ts";
import { SIMULATED, startSimulator } from "./simulator/simulator.ts";

const config = parseConfig(process.argv.slice(2), process.env);
const failWith = Number(process.env.ATLAS_FLEX_SIMULATOR_FAIL_WITH) || 0;
const simulator = config.simulate ? await startSimulator(failWith ? { failWith } : {}) : undefined;
const baseUrl = simulator ? new URL(simulator.baseUrl) : config.baseUrl;
const account = simulator ? SIMULATED : config.serviceAccount;
const redactor = createRedactor();
const http = createTransport({ proxy: {}, userAgent: `atlas-flex-snapshots-mcp/${packageJson.version}` });

const unconfigured: Send = () =>
  Promise.reject(
    new Failure({
      errorCode: "CREDENTIALS_MISSING",
      source: "configuration",
      retryable: false,
      hint: "Set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET in the environment of this MCP server. Create them in Atlas under Organization > Access Manager > Service Accounts.",
    }),
  );
const signer =
  account &&
  createSigner(
    { kind: "service-account", ...account },
    { baseUrl, send: http.send, clock: systemClock, onSecret: redactor.add },
  );
const send = signer?.send ?? unconfigured;

const server = createServer({ atlas: createAtlas(baseUrl, send), version: packageJson.version });
process.stdin.once("end", async () => {
  await server.close();
  await signer?.close();
  await Promise.all([http.close(), simulator?.close()]);
  process.exit(0);
});
await server.connect(new StdioServerTransport());
