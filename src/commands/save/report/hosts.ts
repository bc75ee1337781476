// Says whose host it is, by lists: any other name would tell who it is.
import { hostOf } from "../../../core/text.ts";

const FAMILIES: readonly (readonly [suffix: string, family: string])[] = [
  ["amazonaws.com", "Amazon S3 or another service of AWS"],
  ["storage.googleapis.com", "Google Cloud Storage"],
  ["blob.core.windows.net", "Azure Blob Storage"],
  ["cloudfront.net", "Amazon CloudFront"],
  ["mongodb.net", "MongoDB"],
  ["mongodb.com", "MongoDB"],
  ["mongodbgov.com", "MongoDB"],
];

/**
 * Domains of AWS, Google Cloud, Azure, MongoDB and of networks for delivery. The hosts of very many customers are below each,
 * so the domain tells the provider alone.
 */
const DOMAINS = [
  "amazonaws.com",
  "cloudfront.net",
  "googleapis.com",
  "windows.net",
  "azureedge.net",
  "azurefd.net",
  "mongodb.net",
  "mongodb.com",
  "mongodbgov.com",
  "cloudflarestorage.com",
  "akamaized.net",
  "fastly.net",
];

const isBelow = (hostname: string, domain: string) => hostname === domain || hostname.endsWith(`.${domain}`);

export const familyOf = ({ hostname }: URL): string | undefined =>
  FAMILIES.find(([suffix]) => isBelow(hostname, suffix))?.[1];

/** The domain of a provider that has this host. */
export const domainOf = (hostname: string): string | undefined =>
  DOMAINS.find((domain) => isBelow(hostname.replace(/\.$/, ""), domain));

export function hostShown(url: URL): string {
  const name = hostOf(url) === undefined ? "" : url.hostname.replace(/\.$/, "");
  const labels = name.split(".");
  if (/^[[\d]|^$/.test(labels.at(-1) ?? "") || labels.length < 2) return "<address>";
  return domainOf(name) ?? "<other host>";
}
