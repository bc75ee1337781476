// The host in the browser: one sandboxed frame under the official AppBridge. The test has put functions for everything else
// into the window: `onCall`, `onTold`, `onEvent`.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

/** What a host has to apply to a view that declares no origins (SEP-1865, "Host Behavior"). */
const POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; object-src 'none'; connect-src 'none'";

window.mount = async ({ html, capabilities, context }) => {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.style.cssText = "border: 0; width: 100%; height: 40px";
  document.body.replaceChildren(frame);
  const bridge = new AppBridge(null, { name: "host", version: "1.0.0" }, capabilities, { hostContext: context });
  if (capabilities.serverTools) bridge.oncalltool = (params) => window.onCall(params);
  if (capabilities.updateModelContext) bridge.onupdatemodelcontext = (params) => window.onTold(params);
  bridge.onsizechange = ({ height }) => {
    frame.style.height = `${height}px`;
    window.onEvent("size-changed", height);
  };
  const initialized = new Promise((resolve) => {
    bridge.oninitialized = resolve;
  });
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${POLICY}">`);
  window.bridge = bridge;
  window.view = frame;
  await initialized;
};
