// Mutations of settings, texts and the package.
import { edit } from "./edit.mjs";

const QUOTED = "test/secrets/quoted.test.ts";

export const CORE = [
  {
    claim: "let Atlas's words stand in a line of check like our own",
    edits: [edit("src/core/errors.ts", 'detail : says("Atlas", detail);', "detail : detail;")],
    tests: [QUOTED],
    only: "`check` quotes",
  },
  {
    claim: "name a time to wait where waiting is no use",
    edits: [edit("src/core/errors.ts", "|| !envelope.retryable ", "")],
    tests: ["test/atlas/hints.test.ts"],
  },
  {
    claim: "name a second time to wait",
    edits: [edit("src/core/errors.ts", "hint: envelope.hint.replace(USUAL_WAIT, wait)", "hint: envelope.hint")],
    tests: ["test/atlas/hints.test.ts"],
  },
  {
    claim: "let a quotation end itself",
    edits: [edit("src/core/text.ts", '.replace(QUOTATION_MARKS, "\'")', "")],
    tests: [QUOTED],
    only: "an instruction in every text",
  },
  {
    claim: "look for secrets only as they are written",
    edits: [edit("src/core/redact.ts", "[...secretsIn(layers, forms), ...accessIn(layers)]", "accessIn(layers)")],
    tests: ["test/core/redact.test.ts"],
    only: "with every octet percent-encoded",
  },
  {
    claim: "look for links only as they are written",
    edits: [
      edit("src/core/redact.ts", "[...secretsIn(layers, forms), ...accessIn(layers)]", "secretsIn(layers, forms)"),
    ],
    tests: ["test/core/redact.test.ts"],
    only: "a link with escapes of JSON",
  },
  {
    claim: "leave what escapes of the last layer hide",
    edits: [edit("src/core/escapes.ts", "layer <= MAX_LAYERS", "layer < MAX_LAYERS")],
    tests: ["test/core/redact.test.ts"],
    only: "under three layers",
  },
  {
    claim: "leave marks that stand on no letter",
    edits: [edit("src/core/text.ts", '.replace(LOOSE_MARKS, "")', "")],
    tests: ["test/core/text.test.ts"],
    only: "quotation marks apart",
  },
  {
    claim: "put a text on one line only after its secrets are gone",
    edits: [edit("src/core/redact.ts", "withoutLinks(oneLine(text), all)", "withoutLinks(visible(text), all)")],
    tests: ["test/core/redact.test.ts"],
    only: "can put one together",
  },
  {
    claim: "look for secrets before invisible characters are gone",
    edits: [
      edit(
        "src/core/redact.ts",
        "scrub: (text) => withoutLinks(visible(text), all)",
        "scrub: (text) => withoutLinks(text, all)",
      ),
    ],
    tests: ["test/core/redact.test.ts"],
    only: "log lines lose what is invisible",
  },
  {
    claim: "print what undici would print under NODE_DEBUG",
    edits: [
      edit(
        "scripts/bundle.mjs",
        "hasSubscribers: false, publish() {}",
        "hasSubscribers: true, publish(event) { if (process.env.NODE_DEBUG) console.error(event.request?.path); }",
      ),
    ],
    tests: ["test/secrets/node-debug.test.ts"],
    only: "undici",
  },
  {
    claim: "advise to wait for what will not pass",
    edits: [
      edit(
        "src/core/own-errors.ts",
        "If its job has no link either, ask MongoDB support.",
        "Or call again in four hours.",
      ),
    ],
    tests: ["test/atlas/hints.test.ts"],
    only: "advice to repeat a call",
  },
  {
    claim: "leave invisible characters in what Atlas says",
    edits: [edit("src/core/text.ts", '.replace(ALL_INVISIBLE, "")', "")],
    tests: ["test/secrets/hostile.test.ts"],
    only: "list_flex_snapshots",
  },
  {
    claim: "show links when a host left the switch that hides them unfilled",
    edits: [edit("src/config/parse.ts", "text: failsClosed ? (text ?? placeholder) : text,", "text,")],
    tests: ["test/config/setting-text.test.ts"],
    only: "counts as on for",
  },
  {
    claim: "simulate because of a misspelt word",
    edits: [edit("src/config/readers.ts", 'if (value === undefined) problem("must be true or false.");', "")],
    tests: ["test/config/setting-text.test.ts"],
    only: "whether to simulate is not guessed",
  },
  {
    claim: "save into a folder below the current one",
    edits: [edit("src/config/setting-text.ts", "!paths.isAbsolute(whole) || ", "")],
    tests: ["test/config/setting-text.test.ts", "test/config/odd-settings.test.ts"],
    only: "relative",
  },
  {
    claim: "take a secret that contains a placeholder for one",
    edits: [edit("src/config/setting-text.ts", "if (PLACEHOLDER.exec(text)?.[0] !== text)", "if (!/[$%]/.test(text))")],
    tests: ["test/config/setting-text.test.ts"],
    only: "means the same",
  },
  {
    claim: "read a file in UTF-16 without its mark as a secret",
    edits: [edit("src/config/credentials.ts", "if (zeros > 0 && ", "if (false && ")],
    tests: ["test/config/setting-text.test.ts"],
    only: "in UTF-16 without a byte order mark",
  },
  {
    claim: "distinguish the case of names on Windows",
    edits: [edit("src/config/variables.ts", 'if (platform !== "win32") return', 'if (platform !== "cygwin") return')],
    tests: ["test/config/environment.test.ts"],
    only: "have no case on Windows",
  },
  {
    claim: "show a secret in the name of a variable in upper case",
    edits: [edit("src/config/variables.ts", "return isWarnedOf ? name : upper;", "return upper;")],
    tests: ["test/config/environment.test.ts"],
    only: "stay as they are written in a warning",
  },
  {
    claim: "leave the password of a proxy in the environment",
    edits: [edit("src/config/variables.ts", " || PROXY.test(letters)", "")],
    tests: ["test/secrets/settings.test.ts"],
    only: "has left environment",
  },
  {
    claim: "leave a secret under an invented name in the environment",
    edits: [edit("src/config/variables.ts", "OURS.test(letters)", "SECRET_VARIABLES.includes(name)")],
    tests: ["test/secrets/settings.test.ts"],
    only: "has left environment",
  },
  {
    claim: "show a known secret in a message about the settings",
    edits: [edit("src/config/parse.ts", "problems: problems.map(scrub),", "problems,")],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "looks like a word",
  },
  {
    claim: "show a secret among the simulator's orders",
    edits: [edit("src/config/simulator.ts", "isShowable(order)", "true")],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "the command simulator",
  },
  {
    claim: "quote what has the form of a secret in a message about the settings",
    edits: [
      edit("src/config/setting-text.ts", "return mayBeQuoted(text) ? show(text) : instead;", "return show(text);"),
    ],
    tests: ["test/secrets/wrong-place.test.ts"],
    only: "is in no answer",
  },
  {
    claim: "show a short password of a proxy beside its user name",
    edits: [edit("src/config/credentials.ts", '[name, word].join(":"), ', "")],
    tests: ["test/config/environment.test.ts"],
    only: "known in each form",
  },
];
