import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import { fromConnectError } from "../errors/from-connect-error.ts";
import { isConnectError } from "../errors/is-connect-error.ts";
import { RequestTimeoutError } from "../errors/request-timeout-error.ts";
import { linkSignals } from "./link-signals.ts";

export interface UnaryCall<Input extends DescMessage, Output extends DescMessage> {
  readonly method: DescMethodUnary<Input, Output>;
  readonly input: MessageInitShape<Input>;
  readonly headers: Headers;
  readonly timeoutMs: number;
  /** Any of them ends the call with `canceled`. */
  readonly signals: readonly (AbortSignal | undefined)[];
  readonly address: string;
}

/** How often a call is made that no bridge has taken. */
const maxAttempts = 3;

/** Makes one call with a deadline on the runtime's clock. Every failure is a LoomError. */
export async function callUnary<Input extends DescMessage, Output extends DescMessage>(
  transport: Transport,
  runtime: Runtime,
  call: UnaryCall<Input, Output>,
): Promise<MessageShape<Output>> {
  const controller = new AbortController();
  const unlink = linkSignals(controller, call.signals);
  let timedOut = false;
  const timer = runtime.setTimer(() => {
    timedOut = true;
    controller.abort();
  }, call.timeoutMs);
  try {
    // The transport is told the time too, so that the bridge knows it.
    const { method, input, headers, timeoutMs } = call;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await transport.unary(method, controller.signal, timeoutMs, headers, input)).message;
      } catch (error) {
        if (attempt >= maxAttempts || !wasNotTaken(error)) throw error;
      }
    }
  } catch (error) {
    if (timedOut) throw new RequestTimeoutError(call.method.name, call.timeoutMs, { cause: error });
    if (controller.signal.aborted) {
      throw new LoomError("canceled", `${call.method.name} was cancelled`, { cause: error });
    }
    const failure = fromConnectError(error, call.method.name, call.address);
    if (failure.code !== "deadline_exceeded") throw failure;
    throw new RequestTimeoutError(call.method.name, call.timeoutMs, { cause: error });
  } finally {
    timer.cancel();
    unlink();
  }
}

/**
 * Whether the bridge says that it did nothing for a call: it closed the connection, politely, while the call was on its
 * way. https://www.rfc-editor.org/rfc/rfc9113#section-8.7
 */
function wasNotTaken(error: unknown): boolean {
  return isConnectError(error) && !error.isWireError && error.rawMessage.includes("NGHTTP2_REFUSED_STREAM");
}
