/** A name in the bundled code of each package that is loaded after the start. */
export const FOREIGN = {
  sdk: "CallToolRequestSchema",
  zod: "$ZodType",
  undici: "EnvHttpProxyAgent",
  pino: "asChindings",
};
