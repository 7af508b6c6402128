import { BlockList, isIPv6 } from "node:net";

/** What is not the public internet. IANA special-purpose registries, https://www.iana.org/assignments/ */
const special: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  // Of IPv6 only 2000::/3 is given out; these parts of it are documentation, tunnels and the like.
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const refused = new BlockList();
for (const [network, prefix] of special) refused.addSubnet(network, prefix, isIPv6(network) ? "ipv6" : "ipv4");

const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/** Tells whether an IP address belongs to the public internet. Addresses that wrap an IPv4 address do not. */
export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !refused.check(address, "ipv4");
  return globalUnicast.check(address, "ipv6") && !refused.check(address, "ipv6");
}
