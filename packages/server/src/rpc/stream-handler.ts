import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import { LoomError, Wakeup } from "@loom-bridge/protocol";
import type { ClientEvent, Delivery } from "@loom-bridge/protocol/messages";
import { accessOf } from "./access-of.ts";
import { abortReason } from "./connect-error.ts";
import { fromControlFrame, fromSessionEvents } from "./delivery-mapping.ts";
import { AgentStream, type AgentStreamOptions } from "./stream/agent-stream.ts";
import type { OpenedSession } from "./stream/open-session.ts";

export type { AgentStreamOptions as StreamHandlerOptions } from "./stream/agent-stream.ts";

/** Serves `BridgeService.Stream` to Connect: two loops, one that reads and one that writes. */
export function createStreamHandler(options: AgentStreamOptions) {
  return (requests: AsyncIterable<ClientEvent>, context: HandlerContext): AsyncIterable<Delivery> => ({
    [Symbol.asyncIterator]: () => new DeliveryStream(requests[Symbol.asyncIterator](), context, options),
  });
}

/** An iterator and no generator: a generator's promises per message are what a busy stream would spend its time on. */
class DeliveryStream implements AsyncIterator<Delivery> {
  readonly #requests: AsyncIterator<ClientEvent>;
  readonly #context: HandlerContext;
  readonly #options: AgentStreamOptions;
  readonly #stream: AgentStream;
  readonly #wakeup = new Wakeup();
  #ready: Delivery[] = [];
  #next = 0;
  #greeted = false;

  constructor(requests: AsyncIterator<ClientEvent>, context: HandlerContext, options: AgentStreamOptions) {
    this.#requests = requests;
    this.#context = context;
    this.#options = options;
    this.#stream = new AgentStream(options, accessOf(context), () => this.#wakeup.wake());
    void this.#read();
  }

  async next(): Promise<IteratorResult<Delivery, undefined>> {
    for (;;) {
      const delivery = this.#ready[this.#next];
      if (delivery !== undefined) {
        this.#next += 1;
        return { done: false, value: delivery };
      }
      this.#next = 0;
      this.#ready = this.#stream.opened === undefined ? [] : this.#gather(this.#stream.opened);
      if (this.#ready.length > 0) continue;
      this.#stream.opened?.session.nothingLeft();
      const { ended } = this.#stream;
      if (ended === undefined) await this.#wakeup.wait();
      else if (this.#context.signal.aborted) throw abortReason(this.#context.signal);
      else if (ended.error !== undefined) throw ended.error;
      else return { done: true, value: undefined };
    }
  }

  /** The wire is gone, or Connect wants no more. */
  async return(): Promise<IteratorResult<Delivery, undefined>> {
    this.#stream.close();
    return { done: true, value: undefined };
  }

  #gather({ session, features, ack }: OpenedSession): Delivery[] {
    const deliveries: Delivery[] = this.#greeted ? [] : [ack];
    this.#greeted = true;
    const nowMs = this.#options.runtime.now();
    for (const frame of session.takeControl()) {
      const delivery = fromControlFrame(frame, features, nowMs);
      if (delivery !== undefined) deliveries.push(delivery);
    }
    for (const taken of session.takeEvents()) deliveries.push(...fromSessionEvents(taken, features));
    return deliveries;
  }

  /** Reads until the stream or the request ends. Never rejects: what goes wrong ends the stream. */
  async #read(): Promise<void> {
    const { signal } = this.#context;
    const onAbort = (): void => this.#stream.fail(abortReason(signal));
    signal.addEventListener("abort", onAbort);
    try {
      while (this.#stream.ended === undefined) {
        const { done, value } = await this.#requests.next();
        if (done) {
          await this.#stream.receiveEnd();
          break;
        }
        this.#stream.receive(value);
        await this.#stream.readyForMore();
      }
    } catch (error) {
      this.#options.logger.debug("a stream broke", { agentId: this.#stream.opened?.session.agentId, error });
      this.#stream.fail(error instanceof ConnectError ? error : new LoomError("unavailable", "the stream broke"));
    }
  }
}
