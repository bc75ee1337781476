/** Quotes one argument for the shell that people use there: PowerShell on Windows, a POSIX shell elsewhere. */
export function shellQuote(argument: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? powerShellQuote(argument) : posixQuote(argument);
}

// POSIX 2.2.2: nothing is special between single quotes but the quote itself.
function posixQuote(argument: string): string {
  if (/^[\w%+,./:=@-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

function powerShellQuote(argument: string): string {
  if (/^[\w-]+$/.test(argument)) return argument;
  // Double quotes work in cmd.exe too; nothing in this set is special between them in either shell.
  if (/^[\p{L}\p{N}_ ()+,./:=\\-]+$/u.test(argument)) return `"${argument}"`;
  // PowerShell takes typographic quotes for the plain one and doubles whichever is meant.
  return `'${argument.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}
