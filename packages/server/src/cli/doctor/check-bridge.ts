import { Code, ConnectError } from "@connectrpc/connect";
import { briefDuration } from "../output.ts";
import { explainCall } from "./explain-call.ts";
import { type Finding, failed, ok, type Patient } from "./finding.ts";

/** Does a bridge answer, and which? */
export async function checkBridge({ remote, runtime, timeoutMs }: Patient): Promise<Finding> {
  try {
    const info = await remote.bridge.getInfo({}, { timeoutMs });
    const age = briefDuration(runtime.now() - Number(info.startedMs));
    return ok(
      `${info.name} ${info.version}, up for ${age}: agents ${info.agents}, tools ${info.tools}, ` +
        `plans in ${info.memoryStore}`,
    );
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    if (error.code === Code.Unimplemented && error.isWireError) {
      return failed("a gRPC server answers that does not know GetInfo", "Update the bridge, if it is one.");
    }
    if (/^HTTP \d+|^unsupported content type/.test(error.rawMessage)) {
      return failed(
        `an HTTP/2 server answers that is no bridge, or an old one (${error.rawMessage})`,
        "Look up the bridge's port; if a proxy stands before it, let the proxy pass gRPC on.",
      );
    }
    return explainCall(error, timeoutMs);
  }
}
