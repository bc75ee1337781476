import { spawn } from "node:child_process";
import { once } from "node:events";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { serveProxy, serveTls, tls } from "./servers.ts";

/** Prints the status or the failure code of one GET. Needs its own process: Node.js reads the extra certificates when it starts. */
const script = `
  import { createTransport } from "./src/http/transport.ts";
  const [url, httpsProxy] = process.argv.slice(2);
  const { send, close } = createTransport({ proxy: { httpsProxy }, userAgent: "test" });
  const request = { method: "GET", url: new URL(url), headers: {}, deadline: Date.now() + 10_000, signal: AbortSignal.timeout(10_000) };
  process.stdout.write(await send(request).then(({ status }) => String(status), ({ code }) => code));
  await close();
  process.exit();
`;

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: "const require = process.getBuiltinModule;" },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

async function run(code: string, url: string, proxy: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-", url, proxy], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(code);
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  await once(child, "close");
  return output;
}

test("NODE_EXTRA_CA_CERTS makes a private certificate authority trusted, directly and through a proxy", async () => {
  const server = await serveTls(tls, (_, response) => response.end("{}"));
  const { port } = await serveProxy(server.port);
  const code = await bundle();
  const trusting = { NODE_EXTRA_CA_CERTS: "test/fixtures/ca.pem" };
  const results = await Promise.all([
    run(code, `https://localhost:${server.port}/`, "", trusting),
    run(code, "https://atlas.test/", `http://127.0.0.1:${port}`, trusting),
    run(code, "https://other.test/", `http://127.0.0.1:${port}`, trusting),
    run(code, `https://localhost:${server.port}/`, "", {}),
  ]);
  expect(results).toEqual(["200", "200", "TLS_FAILED", "TLS_FAILED"]);
});
