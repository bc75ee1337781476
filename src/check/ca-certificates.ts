import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { type Environment, settingOf } from "../config/config.ts";
import { failed, ok, type StepResult, warning } from "./step.ts";

/** A bundle of every public CA has a quarter of this. */
const MAX_BYTES = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Whether the extra certificates that Node.js trusts can be read; it says nothing itself when they cannot. */
export async function caCertificates(env: Environment): Promise<StepResult> {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    return warning(
      "NODE_TLS_REJECT_UNAUTHORIZED is 0, so no certificate is checked",
      "Unset it: anybody on the way can read the credentials. For a company's own CA set NODE_EXTRA_CA_CERTS.",
    );
  }
  const path = settingOf(env, "NODE_EXTRA_CA_CERTS");
  if (path === undefined) return ok("those of Node.js; NODE_EXTRA_CA_CERTS is not set");
  const text = await read(path);
  // As with any text of the person's own, an abbreviation that a shell would have expanded is a likely reason.
  const remark = path.startsWith("~") ? " Node.js reads it, which does not understand ~." : "";
  const unusable = (why: string) =>
    failed(
      `The file of NODE_EXTRA_CA_CERTS ${why}: ${path}`,
      `Set it to a file of certificates in PEM form, or unset it.${remark}`,
    );
  if (text === undefined) return unusable("cannot be read");
  const count = (text.match(CERTIFICATE) ?? []).filter(isCertificate).length;
  if (count === 0) return unusable("holds no certificate in PEM form");
  return ok(`those of Node.js and ${count} of NODE_EXTRA_CA_CERTS`);
}

/** The text of a regular file of bearable size, else nothing. */
async function read(path: string): Promise<string | undefined> {
  try {
    // Looked at first, since the open of a named pipe would wait for a writer for ever.
    const file = await stat(path);
    return file.isFile() && file.size <= MAX_BYTES ? await readFile(path, "utf8") : undefined;
  } catch {
    // Whatever the reason, the step says that it cannot be read.
    return undefined;
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // Not a certificate, which is the answer.
  }
}
