import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  BridgeService,
  type ClientEvent,
  ClientEventSchema,
  type Delivery,
  type RegisterSchema,
} from "@loom-bridge/protocol/messages";

type Say = NonNullable<MessageInitShape<typeof ClientEventSchema>["event"]>;

/** A stream driven by hand, as a client in another language would drive it. */
export interface DuplexCall extends AsyncDisposable {
  say(event: Say): void;
  /** Ends what we say; the bridge may go on. */
  endSaying(): void;
  /** The next message, or undefined when the bridge ended the stream well. */
  hear(): Promise<Delivery | undefined>;
  /** Cuts the stream. */
  cut(): void;
}

export function openStream(transport: Transport, options: { timeoutMs?: number } = {}): DuplexCall {
  const outbound: ClientEvent[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  const abort = new AbortController();
  async function* requests(): AsyncGenerator<ClientEvent> {
    for (;;) {
      const next = outbound.shift();
      if (next !== undefined) yield next;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const responses = createClient(BridgeService, transport)
    .stream(requests(), { ...options, signal: abort.signal })
    [Symbol.asyncIterator]();
  return {
    say(event) {
      outbound.push(create(ClientEventSchema, { event }));
      wake?.();
    },
    endSaying() {
      ended = true;
      wake?.();
    },
    async hear() {
      const { done, value } = await responses.next();
      return done ? undefined : value;
    },
    cut: () => abort.abort(),
    async [Symbol.asyncDispose]() {
      abort.abort();
    },
  };
}

/** Opens a stream and a session on it. */
export async function openSession(
  transport: Transport,
  register: MessageInitShape<typeof RegisterSchema>,
): Promise<DuplexCall> {
  const call = openStream(transport);
  call.say({ case: "register", value: register });
  const ack = await call.hear();
  if (ack?.delivery.case !== "ack") throw new Error(`expected an Ack, got ${ack?.delivery.case}`);
  return call;
}
