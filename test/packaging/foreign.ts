/** A name in the bundled code of each package that is loaded with the first call. */
export const FOREIGN = { sdk: "CallToolRequestSchema", zod: "$ZodType", undici: "EnvHttpProxyAgent" };
