// Mutations of the command that connects clients.
import { edit } from "./edit.mjs";

const CONNECT = "test/commands/connect.test.ts";
const EARLIER = "test/commands/connect-earlier.test.ts";

export const CONNECTING = [
  {
    claim: "print a variable that may hold a secret",
    edits: [edit("src/commands/connect/start.ts", "mayBeQuoted(text) && scrub(text) === text", 'text !== ""')],
    tests: [CONNECT],
    only: "no secret is printed",
  },
  {
    claim: "print any text as the id of a service account",
    edits: [edit("src/commands/connect/start.ts", "(CLIENT_ID.test(text) || isShown(text))", 'text !== ""')],
    tests: [CONNECT],
    only: "no secret is printed",
  },
  {
    claim: "print words for a shell without quotes",
    edits: [edit("src/commands/connect/forms.ts", "shellQuote(word, platform)", "word")],
    tests: [CONNECT],
    only: "blanks, quotes and umlauts",
  },
  {
    claim: "remove a server that the client has for one folder only",
    edits: [
      edit(
        "src/commands/connect/earlier.ts",
        "isKnown ||= holdsServer(read.text);",
        "isKnown ||= read.text.includes(NAME);",
      ),
    ],
    tests: [EARLIER],
    only: "one folder only",
  },
];
