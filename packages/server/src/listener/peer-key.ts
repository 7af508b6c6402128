import { BlockList, isIPv6 } from "node:net";
import { LoomError } from "@loom-bridge/protocol";

/**
 * By what one peer is told from another: its IPv4 address, or the /64 of its IPv6 address, because whoever has one
 * address of a /64 has all of them. https://www.rfc-editor.org/rfc/rfc6177#section-2
 */
export function peerKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] ?? address;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").split("::");
  const heads = head === "" ? [] : head.split(":");
  const tails = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - heads.length - tails.length;
  const groups = [...heads, ...Array.from({ length: zeros }, () => "0"), ...tails];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

/**
 * Whether an address is one of these, each an address or a network such as `10.0.0.0/8`.
 * @throws LoomError `invalid_argument` for one that is neither.
 */
export function createAddressList(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", bits] = entry.split("/", 2);
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    try {
      list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
    } catch (cause) {
      throw new LoomError(
        "invalid_argument",
        `${JSON.stringify(entry)} is no address and no network such as 10.0.0.0/8`,
        {
          cause,
        },
      );
    }
  }
  return (address) => list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
