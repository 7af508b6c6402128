import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6 } from "node:net";
import { LoomError } from "@loom-bridge/protocol";
import { parseAddress } from "./address.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

export interface Exposure {
  readonly address: string;
  readonly isEncrypted: boolean;
  /** Whether clients are asked who they are. */
  readonly isGuarded: boolean;
}

/**
 * Refuses an address that other machines can reach, where anybody there could read along or do everything.
 * @throws LoomError `invalid_argument` that says what to do instead.
 */
export async function refuseExposure({ address, isEncrypted, isGuarded }: Exposure): Promise<void> {
  if (isEncrypted && isGuarded) return;
  if (await isLoopback(parseAddress(address).host)) return;
  const remedies = [
    ...(isEncrypted ? [] : ['TLS (--tls-cert and --tls-key; "loom-bridge cert" makes both)']),
    ...(isGuarded
      ? []
      : ['authentication (--auth keys --auth-policy access.yaml; "loom-bridge token key" makes a key)']),
  ];
  const dangers = [
    ...(isEncrypted ? [] : ["read every event and credential on the way"]),
    ...(isGuarded ? [] : ["be any agent, publish anything and call every tool"]),
  ];
  throw new LoomError(
    "invalid_argument",
    `other machines can reach ${address}, and whoever does could ${dangers.join(", and ")}. Listen on localhost, or add ` +
      `${remedies.join(" and ")}. If something in front of the bridge does that, say --insecure-i-know`,
    { details: { field: "address" } },
  );
}

/** Whether only this machine can reach a host. A name counts as all that it stands for now. */
async function isLoopback(host: string): Promise<boolean> {
  if (host === "") return false;
  if (isIP(host) !== 0) return isLoopbackAddress(host);
  try {
    const addresses = await lookup(host, { all: true });
    return addresses.every(({ address }) => isLoopbackAddress(address));
  } catch {
    // Nobody can listen there either, which says why.
    return true;
  }
}

function isLoopbackAddress(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
