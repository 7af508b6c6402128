import type { AddressInfo, Server } from "node:net";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import { type Address, formatAddress } from "./address.ts";

/**
 * Makes a server listen, and tells where it does.
 * @throws LoomError that says what to do about it.
 */
export function bind(server: Server, wanted: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(explain(error, wanted));
    server.once("error", fail);
    // Without a host, Node takes every interface, of IPv4 too where the system allows both.
    server.listen(wanted.host === "" ? { port: wanted.port } : { ...wanted }, () => {
      server.off("error", fail);
      const { address: host, port } = server.address() as AddressInfo;
      resolve({ host, port });
    });
  });
}

function explain(error: NodeJS.ErrnoException, wanted: Address): LoomError {
  const [code, message] = problems(wanted)[error.code ?? ""] ?? [
    "unavailable" as const,
    `cannot listen on ${formatAddress(wanted)}: ${error.message}`,
  ];
  return new LoomError(code, message, { cause: error, details: { field: "address" } });
}

function problems({ host, port }: Address): Readonly<Record<string, readonly [ErrorCode, string]>> {
  const notHere = `${JSON.stringify(host)} is no address of this machine; use localhost, or no host for every interface`;
  return {
    EADDRINUSE: [
      "failed_precondition",
      `port ${port} is in use; stop the other bridge or choose another port with --address`,
    ],
    EACCES: ["permission_denied", `this user may not listen on port ${port}; choose one above 1023 with --address`],
    EADDRNOTAVAIL: ["invalid_argument", notHere],
    ENOTFOUND: ["invalid_argument", notHere],
    EAI_AGAIN: [
      "unavailable",
      `the name ${JSON.stringify(host)} cannot be looked up now; try again or use an IP address`,
    ],
  };
}
