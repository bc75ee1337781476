import { SIMULATED } from "../../src/simulator/simulated.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";

/** This many characters of a secret in a row are a leak, not a coincidence. */
const TELLING_CHARACTERS = 20;

/** Simulated credentials end like simulated ids, which are in every answer: a leak has this many more characters. */
const TELLING_CHARACTERS_BEFORE_ID = 8;

/** The secrets that the text contains in part or in whole, in any encoding. */
export function leaksIn(text: string, secrets: Record<string, string>): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const piece = formsOf(secret)
      .flatMap(piecesOf)
      .find((candidate) => text.includes(candidate));
    return piece === undefined ? [] : [`${name}: ${piece}`];
  });
}

function piecesOf(form: string): string[] {
  const size = Math.min(TELLING_CHARACTERS, form.length);
  const pieces = Array.from({ length: form.length - size + 1 }, (_, index) => form.slice(index, index + size));
  return pieces.filter((piece) => piece.replace(/5?f?a?1?0{6,}[0-9a-f]*$/, "").length >= TELLING_CHARACTERS_BEFORE_ID);
}

/** Raw, percent-encoded in upper and lower case, form-encoded, in JSON, hexadecimal, and base64 at every alignment. */
function formsOf(secret: string): string[] {
  const percent = encodeURIComponent(secret);
  const base64 = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.from(`${"x".repeat(offset)}${secret}`).toString("base64");
    // The characters at both ends also depend on the surrounding text.
    const sure = text.slice(offset === 0 ? 0 : 4, text.length - 4);
    return [sure, sure.replaceAll("+", "-").replaceAll("/", "_"), encodeURIComponent(sure)];
  });
  return [
    ...[secret, percent, percent.replace(/%../g, (code) => code.toLowerCase())],
    ...[new URLSearchParams([["", secret]]).toString().slice(1), JSON.stringify(secret).slice(1, -1)],
    ...[Buffer.from(secret).toString("hex"), ...base64],
  ];
}

/** The secrets that a server of the simulated world knows: its credentials, and the tokens issued to it. */
export function credentialsOf({ requests }: Pick<Simulator, "requests">): Record<string, string> {
  const tokens = requests.flatMap(({ headers }) => /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? []);
  const { clientSecret, privateKey, accessToken } = SIMULATED;
  return {
    clientSecret,
    privateKey,
    accessToken,
    ...Object.fromEntries([...new Set(tokens)].map((token, index) => [`token ${index}`, token])),
  };
}

/** The signatures of the links of all download jobs of a cluster, read from Atlas directly. */
export async function signaturesOf(
  { baseUrl, requests }: Simulator,
  cluster: { groupId: string; name: string },
): Promise<Record<string, string>> {
  const url = new URL(
    `/api/atlas/v2/groups/${cluster.groupId}/flexClusters/${cluster.name}/backup/restoreJobs`,
    baseUrl,
  );
  const headers = { accept: "application/vnd.atlas.2024-11-13+json", authorization: `Bearer ${SIMULATED.accessToken}` };
  const listed = await (await fetch(url, { headers })).text();
  const asked = requests.map(({ path }) => path).join(" ");
  const found = `${listed} ${asked}`.match(/(?<=X-Amz-Signature=)[0-9a-f]{64}/g) ?? [];
  return Object.fromEntries([...new Set(found)].map((signature, index) => [`signature ${index}`, signature]));
}
