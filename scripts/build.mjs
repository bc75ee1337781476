import "./node-version.mjs";
import { rm } from "node:fs/promises";
import { bundle } from "./bundle.mjs";

await rm("dist", { recursive: true, force: true });
await bundle({ write: true });
