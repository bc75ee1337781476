interface Entry {
  times: string;
  user: string;
  command: string;
}

/** Reads a file of /etc/cron.d as crontab(5) describes it. Throws on anything that cron would not understand. */
export function entriesOf(text: string): { settings: Record<string, string>; entries: Entry[] } {
  const settings: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const line of text.split("\n").filter((one) => one.trim() !== "" && !one.startsWith("#"))) {
    const [, name, value] = /^([A-Z_]+)=(\S.*)$/.exec(line) ?? [];
    const [, times, user, command] = /^((?:[\d*/,-]+ ){4}[\d*/,-]+) ([a-z-]+) (\S.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) settings[name] = value;
    else if (times !== undefined && user !== undefined && command !== undefined) entries.push({ times, user, command });
    else throw new Error(`cron does not understand: ${line}`);
  }
  return { settings, entries };
}

type Unit = Record<string, Record<string, string[]>>;

/** Reads a unit as systemd.syntax(7) describes it: each setting with all its values. Throws on anything else. */
export function unitOf(text: string): Unit {
  const unit: Unit = {};
  let section: Record<string, string[]> | undefined;
  for (const line of text.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) {
    const [, title] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (title !== undefined) {
      section = {};
      unit[title] = section;
    } else if (section && name !== undefined && value !== undefined) {
      section[name] = [...(section[name] ?? []), value];
    } else {
      throw new Error(`systemd does not understand: ${line}`);
    }
  }
  return unit;
}
