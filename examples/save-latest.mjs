// Saves the latest backup of a Flex cluster: node examples/save-latest.mjs <cluster> [options of the server]
// Credentials come from the environment variables that the README lists; --simulate needs none.
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [name, ...options] = process.argv.slice(2);
if (!name || name.startsWith("-")) {
  process.stderr.write("Usage: node examples/save-latest.mjs <cluster> [options of the server, such as --simulate]\n");
  process.exit(2);
}

const server = fileURLToPath(new URL("../dist/atlas-flex-snapshots-mcp.js", import.meta.url));
const client = new Client({ name: "save-latest", version: "1.0.0" });

/** Calls a tool. A failed call throws the server's text, which says what to do. */
async function call(tool, args) {
  const onprogress = ({ message }) => message && process.stderr.write(`  ${message}\n`);
  const { isError, content, structuredContent } = await client.callTool({ name: tool, arguments: args }, undefined, {
    onprogress,
  });
  if (isError) throw new Error(content[0].text);
  return structuredContent;
}

try {
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [server, ...options],
      // By default, this client passes on only a few variables; the server also needs its settings.
      env: { ATLAS_FLEX_LOG_LEVEL: "warn", ...process.env },
    }),
  );

  // Each call waits a while and reports progress; repeating it with the same arguments continues the save.
  let saved = await call("save_flex_snapshot", { name });
  while (saved.state !== "complete" && saved.state !== "paused") saved = await call("save_flex_snapshot", { name });
  if (saved.state === "paused") throw new Error(`${saved.lastError?.detail ?? ""} ${saved.nextStep}`.trim());

  process.stdout.write(`${saved.path}\nsha256 ${saved.sha256}\n`);
  const { restore, simulated } = await call("verify_saved_snapshot", { fileName: saved.fileName, waitSeconds: 40 });
  if (simulated) process.stdout.write("The file is simulated: these commands would restore a real one.\n");
  for (const command of restore?.commands ?? []) process.stdout.write(`restore: ${command}\n`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await client.close();
}
