// The entry for the MCP registry (https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json). What needs the
// owner's name is missing until it is known: the repository, the web page, the icon, and the desktop bundle with its SHA-256.

const plain = (text) => text.replaceAll("`", "");

/** A secret, or a place where people write a password. */
const mayHoldSecret = ({ name, secret }) => secret === true || /^HTTPS?_PROXY$/.test(name);

function formatOf({ name }, option) {
  if (option && option.value === undefined) return "boolean";
  if (name.endsWith("_SECONDS")) return "number";
  return name.endsWith("_DIR") || name === "NODE_EXTRA_CA_CERTS" ? "filepath" : "string";
}

function environmentVariables({ VARIABLES, OPTION_SETTINGS }) {
  return VARIABLES.filter(({ name }) => !name.startsWith("ATLAS_FLEX_SIMULATOR_")).flatMap((variable) => {
    const { name, does, secret } = variable;
    const option = OPTION_SETTINGS.find((setting) => setting.name === name);
    const isRequired = false;
    const own = {
      name,
      description: plain(does),
      isRequired,
      isSecret: mayHoldSecret(variable),
      format: formatOf(variable, option),
    };
    if (!secret) return [own];
    const description = `The path of a file that holds ${name}, in place of that variable.`;
    return [own, { name: `${name}_FILE`, description, isRequired, isSecret: false, format: "filepath" }];
  });
}

export function serverJson(code, { mcpName, name, version, description }) {
  return {
    $schema: "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    name: mcpName,
    title: "Atlas Flex snapshots",
    description,
    version,
    packages: [
      {
        registryType: "npm",
        identifier: name,
        version,
        runtimeHint: "npx",
        transport: { type: "stdio" },
        environmentVariables: environmentVariables(code),
      },
    ],
  };
}
