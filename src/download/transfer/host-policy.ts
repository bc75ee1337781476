// Decides which hosts and IP addresses a link may lead to, so that no link reaches into a private network.
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { ownFailure } from "../../core/errors.ts";
import { isLoopback } from "../../core/loopback.ts";

/** What the user and the mode of this server allow. */
export interface HostPolicy {
  /** Allows hosts on loopback, also over http: for the simulator and tests only. */
  allowLoopback: boolean;
  /** Host suffixes that the user vouches for: exempt from the check of addresses, not from https. */
  fileHosts: readonly string[];
}

/** Whether an IP address is public, this computer, or neither. */
export function kindOfAddress(text: string): "public" | "loopback" | "other" {
  if (!ipaddr.isValid(text)) return "other";
  let address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv6) {
    if (address.isIPv4MappedAddress()) address = address.toIPv4Address();
    // RFC 6052 §2.1: an address with the well-known NAT64 prefix embeds the IPv4 address that is actually reached.
    else if (address.match(ipaddr.IPv6.parse("64:ff9b::"), 96))
      address = ipaddr.fromByteArray(address.toByteArray().slice(12));
    // RFC 4291 §2.4: only 2000::/3 is global unicast today; ipaddr.js calls further ranges unicast.
    else if (address.range() === "unicast" && !address.match(ipaddr.IPv6.parse("2000::"), 3)) return "other";
  }
  const range = address.range();
  if (range === "unicast") return "public";
  return range === "loopback" ? "loopback" : "other";
}

/** Returns the link as a URL if it may be requested; otherwise throws `LINK_UNSAFE`, which names only the host. */
export function checkLink(link: string, policy: HostPolicy): URL {
  if (!URL.canParse(link)) throw unsafe("it is no URL");
  const url = new URL(link);
  const host = bareHost(url.hostname);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw unsafe("it is not https");
  if (url.username || url.password) throw unsafe("it carries a user name", url.host);
  if (!host) throw unsafe("it names no host");
  if (leadsHere(url)) {
    if (policy.allowLoopback) return url;
    throw unsafe("it leads to this computer itself", url.host);
  }
  // RFC 6761 §6.3: these names mean loopback, but not every system resolves them to loopback.
  if (host.endsWith(".localhost")) throw unsafe("it names this computer itself", url.host);
  if (url.protocol !== "https:") throw unsafe("it is not https", url.host);
  if (isIP(host) && !isExempt(host, policy)) throw unsafe("it names an address instead of a host", url.host);
  return url;
}

/** Whether a URL leads to this computer itself, also in notations that only some resolvers understand. */
export function leadsHere({ hostname }: URL): boolean {
  const host = bareHost(hostname);
  return isLoopback({ hostname: host }) || kindOfAddress(host) === "loopback";
}

/** Resolves all addresses of a name, as `dns.lookup` does. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Resolves a name once, checks every address and connects only to these: a second lookup could answer differently. */
export function checkedLookup(policy: HostPolicy, resolve: Resolve = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const refused = addresses.some(({ address }) => !isAllowed(address, hostname, policy));
      const [first] = addresses;
      if (refused || !first) return callback(unsafe("it resolves to an address that is not public", hostname), "", 0);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function isAllowed(address: string, hostname: string, policy: HostPolicy): boolean {
  const host = bareHost(hostname);
  const kind = kindOfAddress(address);
  // These names may use http, which is safe only as long as they resolve to this computer.
  if (isLoopback({ hostname: host })) return policy.allowLoopback && kind === "loopback";
  if (kind === "public" || isExempt(host, policy)) return true;
  return kind === "loopback" && policy.allowLoopback;
}

function isExempt(host: string, { fileHosts }: HostPolicy): boolean {
  return fileHosts.some((entry) => {
    const suffix = bareHost(entry.replace(/^\*?\./, ""));
    return suffix !== "" && (host === suffix || host.endsWith(`.${suffix}`));
  });
}

/** In lower case, without brackets and without the trailing dot of the DNS root. */
function bareHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

function unsafe(why: string, host?: string) {
  return ownFailure("LINK_UNSAFE", { detail: `The link${host ? ` to ${host}` : ""} is not opened: ${why}.` });
}
