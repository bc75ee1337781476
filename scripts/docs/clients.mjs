// The sections of docs/clients.md, from the table of clients.

const codeSpan = (text) => `\`${text}\``;

/** What the pages show in place of a reader's own paths and credentials. */
const EXAMPLE = {
  node: "node",
  args: ["/path/to/atlas-flex-snapshots-mcp/dist/atlas-flex-snapshots-mcp.js"],
  account: { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_…" },
  secret: { variable: "MONGODB_ATLAS_CLIENT_SECRET", file: "/path/to/secret", isChosen: false },
  env: {},
};

const ON_WINDOWS = {
  ...EXAMPLE,
  args: ["C:\\path\\to\\atlas-flex-snapshots-mcp\\dist\\atlas-flex-snapshots-mcp.js"],
  secret: { ...EXAMPLE.secret, file: "C:\\path\\to\\secret" },
};

const fence = ({ language, text }) => `\`\`\`${language}\n${text}\n\`\`\``;

/** What `connect` prints; for a shell, what it prints on Windows too. */
function formsOf(print) {
  const printed = print(EXAMPLE, "linux");
  if (printed.language === "json") return [fence(printed)];
  const onWindows = print(ON_WINDOWS, "win32");
  return [
    fence(printed),
    ...(onWindows.language === "json" ? ["On Windows it prints what to paste:"] : []),
    fence(onWindows),
  ];
}

/** The client's configuration on each system, as far as they differ. */
function placesOf({ files }) {
  const on = (platform, env = {}) => files({ home: "~", platform, env })[0];
  const [linux, mac, windows] = [on("linux"), on("darwin"), on("win32", { APPDATA: "%APPDATA%" })];
  if (mac === linux) return codeSpan(linux);
  return `${codeSpan(linux)} (Linux), ${codeSpan(mac)} (macOS), ${codeSpan(windows)} (Windows)`;
}

function clientSection(name, { title, tried, print, files, paste, notes }) {
  const isPasted = print(EXAMPLE, "linux").language === "json";
  const isFile = files({ home: "~", platform: "linux", env: {} }).length > 0;
  const goesTo = isPasted ? "Paste it into" : `${title} keeps it in`;
  const origin = tried
    ? `We ran version ${tried} with it, on Linux, in November 2026.`
    : "We did not run it: the form is the one that the vendor documents.";
  return [
    `## ${title}`,
    `${codeSpan(`connect ${name}`)} prints what to ${isPasted ? "paste" : "run in a terminal"}:`,
    ...formsOf(print),
    [isFile && `${goesTo} ${placesOf({ files })}.`, paste, isFile && origin].filter(Boolean).join(" "),
    Object.entries(notes)
      .map(([heading, note]) => `- **${heading}.** ${note}`)
      .join("\n"),
  ].join("\n\n");
}

export const clientSections = (clients) =>
  Object.entries(clients)
    .map(([name, client]) => clientSection(name, client))
    .join("\n\n");
