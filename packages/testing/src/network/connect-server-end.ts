import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { type Runtime, Wakeup } from "@loom-bridge/protocol";
import { type Admission, admissionKey } from "@loom-bridge/server";
import type { Call, CallEnd } from "./call.ts";
import type { Item } from "./channel.ts";
import { keepDeadline } from "./deadline.ts";
import { splitEnvelopes, toEnvelope } from "./split-envelopes.ts";

export interface ConnectServerEndOptions {
  readonly headers: Headers;
  readonly admission: Admission;
  readonly runtime: Runtime;
  readonly timeoutMs: number | undefined;
}

/** The bridge's end of a call that Connect serves. */
export class ConnectServerEnd implements CallEnd {
  readonly #call: Call;
  readonly #abort = new AbortController();
  readonly #arrived: Uint8Array[] = [];
  readonly #changed = new Wakeup();
  readonly #room = new Wakeup();
  readonly #forgetDeadline: () => void;
  #hasAllArrived = false;
  #isOver = false;

  constructor(call: Call, handler: UniversalHandler, options: ConnectServerEndOptions) {
    const { runtime, timeoutMs } = options;
    this.#call = call;
    this.#forgetDeadline = keepDeadline(runtime, timeoutMs, (error) => {
      this.#end(setTrailerStatus(new Headers(), error));
      this.#abort.abort(error);
    });
    void this.#serve(handler, options);
  }

  onItem(item: Item): void {
    if (item.kind === "message") this.#arrived.push(item.bytes);
    if (item.kind === "end") this.#hasAllArrived = true;
    if (item.kind === "reset") {
      this.#finish();
      this.#abort.abort(new ConnectError("the client gave up", Code.Canceled));
    }
    this.#changed.wake();
  }

  onRoom(): void {
    this.#room.wake();
  }

  async #serve(handler: UniversalHandler, { headers, admission }: ConnectServerEndOptions): Promise<void> {
    const call = this.#call;
    try {
      const response = await handler({
        httpVersion: "2.0",
        url: `https://in-memory${handler.requestPath}`,
        method: "POST",
        header: headers,
        contextValues: createContextValues().set(admissionKey, admission),
        body: this.#body(),
        signal: this.#abort.signal,
      });
      if (this.#isOver) return;
      call.send("down", { kind: "headers", headers: new Headers(response.header) });
      for await (const chunk of response.body ?? []) {
        if (this.#isOver) return;
        for (const message of splitEnvelopes(chunk)) call.sendMessage("down", message);
        while (!this.#isOver && !call.channel("down").hasRoom) await this.#room.wait();
      }
      this.#end(response.trailer ?? new Headers());
    } catch (error) {
      this.#end(setTrailerStatus(new Headers(), ConnectError.from(error)));
    }
  }

  #end(trailers: Headers): void {
    if (this.#isOver) return;
    this.#finish();
    // Harmless when they have been sent: a client takes the first.
    this.#call.send("down", { kind: "headers", headers: this.#call.responseHeaders() });
    this.#call.send("down", { kind: "end", trailers });
  }

  #finish(): void {
    this.#isOver = true;
    this.#forgetDeadline();
    this.#changed.wake();
    this.#room.wake();
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#arrived.shift();
      if (message !== undefined) {
        this.#call.channel("up").taken(message.length);
        yield toEnvelope(message);
      } else if (this.#abort.signal.aborted) {
        throw this.#abort.signal.reason;
      } else if (this.#hasAllArrived) {
        return;
      } else {
        await this.#changed.wait();
      }
    }
  }
}
