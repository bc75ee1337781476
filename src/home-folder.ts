import { homedir } from "node:os";

/** Hosts pass `~` and `${HOME}` on as they are. */
const HOME = /^(~|\$\{HOME\}|\$HOME)(?=$|[/\\])/;

/** The path with the home folder in place of its abbreviation; undefined when this user has none, as in a container. */
export function withHomeFolder(path: string): string | undefined {
  try {
    return path.replace(HOME, () => homedir());
  } catch {
    return undefined; // A user without name and without HOME: the caller says so in its own words.
  }
}
