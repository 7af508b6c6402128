import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Finding, failed, ok, type Patient } from "./finding.ts";

/** Does the host's name lead to an address? */
export async function checkName({ target: { host } }: Patient): Promise<Finding> {
  if (isIP(host) !== 0) return ok(`${host} is an IP address`);
  try {
    const addresses = await lookup(host, { all: true });
    return ok(`${host} is ${addresses.map(({ address }) => address).join(", ")}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice =
      code === "EAI_AGAIN"
        ? "The name server does not answer: check the network, or use an IP address."
        : "Check the spelling of the host, or use an IP address.";
    return failed(`the name ${JSON.stringify(host)} cannot be resolved (${code})`, advice);
  }
}
