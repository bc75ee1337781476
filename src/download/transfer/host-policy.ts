// Decides which hosts and IP addresses a link may lead to, so that no link reaches into a private network.
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Failure, ownFailure } from "../../core/errors.ts";
import { isLoopback } from "../../core/loopback.ts";
import { hostOf } from "../../core/text.ts";

/** What the user and the mode of this server allow. */
export interface HostPolicy {
  /** Allows hosts on loopback, also over http: for the simulator and tests only. */
  allowLoopback: boolean;
  /** Host suffixes that the user vouches for: they may be in a private network, over https only. */
  fileHosts: readonly string[];
}

/** Services inside clouds that hand out credentials or settings, besides those on link-local addresses. */
const CLOUD_SERVICES = [
  "168.63.129.16/32", // Azure, although the range is public
  "100.100.100.200/32", // Alibaba
  "192.0.0.192/32", // Oracle Cloud Classic
  "fd00:ec2::/32", // Amazon
  "fd20:ce::254/128", // Google
  "fd00:c1::a9fe:a9fe/128", // Oracle
  "fd00:42::42/128", // Scaleway
].map((range) => ipaddr.parseCIDR(range));

/** Ranges of ipaddr.js that no file host has. */
const NEVER = new Set<string>(["unspecified", "broadcast", "multicast", "linkLocal"]);

/** Whether an IP address is public, this computer, in a private network that the user may vouch for, or never a file host. */
export function kindOfAddress(text: string): "public" | "loopback" | "private" | "never" {
  if (!ipaddr.isValid(text)) return "never";
  const address = embedded(ipaddr.parse(text));
  const range = address.range();
  const isCloudService = CLOUD_SERVICES.some(
    ([net, bits]) => net.kind() === address.kind() && address.match(net, bits),
  );
  if (isCloudService || NEVER.has(range)) return "never";
  if (range === "loopback") return "loopback";
  // RFC 4291 §2.4: only 2000::/3 is global unicast today; ipaddr.js calls further ranges unicast.
  const isGlobal = address instanceof ipaddr.IPv4 || address.match(ipaddr.IPv6.parse("2000::"), 3);
  return range === "unicast" && isGlobal ? "public" : "private";
}

/** The IPv4 address that an IPv6 address stands for, if it does. */
function embedded(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  // RFC 6052 §2.1: an address with the well-known NAT64 prefix embeds the IPv4 address that is actually reached.
  const isNat64 = address.match(ipaddr.IPv6.parse("64:ff9b::"), 96);
  return isNat64 ? ipaddr.fromByteArray(address.toByteArray().slice(12)) : address;
}

/** Returns the link as a URL if it may be requested; otherwise throws `LINK_UNSAFE`, which names only the host. */
export function checkLink(link: string, policy: HostPolicy): URL {
  if (!URL.canParse(link)) throw unsafe("it is no URL");
  const url = new URL(link);
  const host = bareHost(url.hostname);
  const shown = hostOf(url);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw unsafe("it is not https");
  if (shown === undefined) throw unsafe("it names no host");
  if (url.username || url.password) throw unsafe("it carries a user name", shown);
  if (leadsHere(url)) {
    if (policy.allowLoopback) return url;
    throw unsafe("it leads to this computer itself", shown);
  }
  // RFC 6761 §6.3: these names mean loopback, but not every system resolves them to loopback.
  if (host.endsWith(".localhost")) throw unsafe("it names this computer itself", shown);
  if (url.protocol !== "https:") throw unsafe("it is not https", shown);
  const kind = kindOfAddress(host);
  if (isIP(host) && (kind === "never" || !isExempt(host, policy))) {
    const why = "it names an address instead of a host";
    throw isIP(host) === 4 && kind === "private" ? needsConsent(why, host, policy) : unsafe(why, shown);
  }
  return url;
}

/** Returns the target of a redirect if it may be requested. Only a host that the user vouches for may lead to another. */
export function checkRedirect(from: URL, to: URL, policy: HostPolicy): URL {
  let target: URL;
  try {
    target = checkLink(to.href, policy);
  } catch (error) {
    throw asRedirect(error, from, policy);
  }
  if (!isExempt(bareHost(to.hostname), policy) || isExempt(bareHost(from.hostname), policy)) return target;
  throw ownFailure("LINK_UNSAFE", {
    detail: `The redirect of ${hostOf(from)} to ${hostOf(to)} is not followed: only the latter is in ATLAS_FLEX_FILE_HOSTS.`,
    hint: `If both hosts serve your snapshots, name ${from.hostname} in ATLAS_FLEX_FILE_HOSTS too, then call again.`,
  });
}

/** Words the refusal of a link as that of a redirect: another host named the place, not Atlas, and the user must vouch for both hosts. */
export function asRedirect(error: unknown, from: URL, policy: HostPolicy): unknown {
  if (!(error instanceof UnsafeLink)) return error;
  const { why, host, isAllowable } = error.objection;
  const refused = `The redirect of ${hostOf(from)}${host ? ` to ${host}` : ""} is not followed: ${why}.`;
  if (!host || !isAllowable)
    return ownFailure("LINK_UNSAFE", {
      detail: refused,
      hint: "Another service may have answered in place of the file host. Check the network and any proxy, then call again.",
    });
  return ownFailure("LINK_UNSAFE", {
    detail: `${refused} ${settingFor([bareHost(from.hostname), host], policy)} would allow it.`,
    hint: "Only if both hosts serve your snapshots, such as through a private endpoint of your company, set ATLAS_FLEX_FILE_HOSTS to the value in the message, restart this server and call again; no second download job is requested.",
  });
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
      const refused = addresses.find(({ address }) => !isAllowed(address, hostname, policy));
      const [first] = addresses;
      if (refused) return callback(refusal(refused.address, hostname, policy), "", 0);
      if (!first) return callback(unsafe("its name has no address", hostname, BY_DNS), "", 0);
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
  if (kind === "public") return true;
  if (kind === "loopback" && policy.allowLoopback) return true;
  return kind !== "never" && isExempt(host, policy);
}

function refusal(address: string, hostname: string, policy: HostPolicy): Failure {
  const why = `its name resolves to ${address}`;
  return kindOfAddress(address) === "private" && !isLoopback({ hostname: bareHost(hostname) })
    ? needsConsent(`${why}, which is not a public address`, hostname, policy)
    : unsafe(`${why}, where no file of Atlas can be`, hostname, BY_DNS);
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

interface Objection {
  why: string;
  host?: string | undefined;
  /** The user's word for the host is enough to open the link. */
  isAllowable: boolean;
}

class UnsafeLink extends Failure {
  readonly objection: Objection;

  constructor(objection: Objection, advice: string, hint?: string) {
    const { host, why } = objection;
    const detail = `The link${host ? ` to ${host}` : ""} is not opened: ${why}.${advice}`;
    super(ownFailure("LINK_UNSAFE", { detail, ...(hint !== undefined && { hint }) }).envelope);
    this.objection = objection;
  }
}

const NOT_BY_ATLAS =
  "Atlas sends no such link. Check MONGODB_ATLAS_BASE_URL and any proxy between this computer and Atlas.";
const BY_DNS = "Check the DNS server of this computer, which answers for this name, and MONGODB_ATLAS_BASE_URL.";

/** No setting makes this link a good one. */
function unsafe(why: string, host?: string, hint = NOT_BY_ATLAS): Failure {
  return new UnsafeLink({ why, host, isAllowable: false }, "", hint);
}

function needsConsent(why: string, hostname: string, policy: HostPolicy): Failure {
  const host = bareHost(hostname);
  return new UnsafeLink({ why, host, isAllowable: true }, ` ${settingFor([host], policy)} would allow it.`);
}

/** The setting that keeps the hosts of now and adds these. */
function settingFor(hosts: string[], policy: HostPolicy): string {
  const added = hosts.filter((host) => !isExempt(host, policy));
  return `ATLAS_FLEX_FILE_HOSTS=${[...new Set([...policy.fileHosts, ...added])].join(",")}`;
}
