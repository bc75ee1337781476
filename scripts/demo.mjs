// Walks the whole journey through a real MCP client against the built server and its embedded simulator.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const ids = { groupId: "5fa1000000000000000000b1", name: "orders" };
const client = new Client({ name: "demo", version: "1.0.0" });

async function call(name, args) {
  console.log(`\n> ${name} ${JSON.stringify(args)}`);
  const result = await client.callTool({ name, arguments: args });
  if (result.isError) throw new Error(`${name} failed: ${result.content[0].text}`);
  console.log(JSON.stringify(result.structuredContent, null, 2));
  return result.structuredContent;
}

try {
  const env = { PATH: process.env.PATH ?? "" };
  const failWith = process.env.ATLAS_FLEX_SIMULATOR_FAIL_WITH;
  if (failWith) env.ATLAS_FLEX_SIMULATOR_FAIL_WITH = failWith;
  const server = { command: process.execPath, args: ["dist/atlas-flex-snapshots-mcp.js", "--simulate"], env };
  await client.connect(new StdioClientTransport(server));
  const { latestComplete } = await call("list_flex_snapshots", ids);
  let { restoreJob } = await call("request_flex_snapshot_download", { ...ids, snapshotId: latestComplete });
  for (let finished = false; !finished; ) {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    ({ restoreJob, finished } = await call("get_restore_job", { ...ids, restoreJobId: restoreJob.id }));
  }
  if (!restoreJob.snapshotUrl) throw new Error("the job ended without a link");
  console.log("\nThe snapshot's download link is ready.");
} catch (error) {
  console.error(`\nThe demo failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  await client.close();
}
