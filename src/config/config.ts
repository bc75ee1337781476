import { homedir } from "node:os";

export type Environment = Readonly<Record<string, string | undefined>>;

export function settingOf(env: Environment, name: string): string | undefined {
  return setOrNot(env[name]);
}

/** Blank settings and placeholders that a desktop host left unfilled count as unset. */
export function setOrNot(text: string | undefined): string | undefined {
  const value = text?.trim();
  return value === undefined || value === "" || /^\$\{user_config\.[^}]*\}$/.test(value) ? undefined : value;
}

/** A secret read from a file, or why it could not be. */
export type SecretFile = { secret: string; readableByOthers: boolean } | { problem: string };

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
