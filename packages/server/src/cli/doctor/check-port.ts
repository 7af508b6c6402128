import { connect } from "node:net";
import { type Finding, failed, ok, type Patient } from "./finding.ts";

/** Does anything accept connections there? */
export function checkPort({ target: { host, port }, runtime, timeoutMs }: Patient): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (finding: Finding): void => {
      timer.cancel();
      socket.destroy();
      resolve(finding);
    };
    const timer = runtime.setTimer(() => end(explain("ETIMEDOUT")), timeoutMs);
    socket.once("connect", () => end(ok(`${socket.remoteAddress} accepts connections on port ${port}`)));
    socket.once("error", (error: NodeJS.ErrnoException) => end(explain(error.code ?? error.message)));
  });

  function explain(code: string): Finding {
    if (code === "ECONNREFUSED") {
      return failed(
        `nothing listens on port ${port} of ${host}`,
        `Start a bridge there: loom-bridge up --port ${port}. If one runs, compare the port with the one it printed; ` +
          "a bridge on another machine must listen on an address that can be reached, not on localhost.",
      );
    }
    if (code === "ETIMEDOUT") {
      return failed(
        `${host} does not answer on port ${port} within ${timeoutMs} ms`,
        "Check that it is the right host and that no firewall drops the connection.",
      );
    }
    return failed(
      `${host} cannot be reached on port ${port} (${code})`,
      "Check the network, the host and the way to it.",
    );
  }
}
