import type { ConnectError } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { limits, type Runtime } from "@loom-bridge/protocol";
import type { Admission, MessageReceiver, MessageStream, MessageStreamHandler } from "@loom-bridge/server";
import type { Call, CallEnd } from "./call.ts";
import type { Item } from "./channel.ts";
import { keepDeadline } from "./deadline.ts";
import { splitEnvelopes } from "./split-envelopes.ts";

export interface RawServerEndOptions {
  /** What the caller may do. */
  readonly access: Exclude<Admission, ConnectError>;
  readonly runtime: Runtime;
  readonly timeoutMs: number | undefined;
}

/** The bridge's end of a call that it serves as messages of bytes, as its listener does for agents' streams. */
export class RawServerEnd implements CallEnd {
  readonly #call: Call;
  readonly #receiver: MessageReceiver;
  readonly #forgetDeadline: () => void;
  #hasHeaders = false;
  #isOver = false;

  constructor(call: Call, handler: MessageStreamHandler, { access, runtime, timeoutMs }: RawServerEndOptions) {
    this.#call = call;
    this.#forgetDeadline = keepDeadline(runtime, timeoutMs, (error) => this.#abort(error));
    const wire: MessageStream = {
      writeMaxBytes: limits.messageBytes,
      pause: () => call.channel("up").pause(),
      resume: () => call.channel("up").resume(),
      write: (envelopes) => this.#write(envelopes),
      end: (error) => this.#end(error),
    };
    this.#receiver = handler(wire, access);
  }

  onItem(item: Item): void {
    if (this.#isOver) return;
    switch (item.kind) {
      case "message":
        this.#call.channel("up").taken(item.bytes.length);
        this.#receiver.onMessage(item.bytes);
        break;
      case "end":
        this.#receiver.onEnd();
        break;
      case "reset":
        this.#finish();
        this.#receiver.onAbort(item.reason as ConnectError);
        break;
      case "headers":
        break;
    }
  }

  onRoom(): void {
    if (!this.#isOver) this.#receiver.onDrain();
  }

  #write(envelopes: Uint8Array): boolean {
    if (this.#isOver) return false;
    this.#sendHeaders();
    for (const message of splitEnvelopes(envelopes)) this.#call.sendMessage("down", message);
    return this.#call.channel("down").hasRoom;
  }

  #end(error?: ConnectError): void {
    if (this.#isOver) return;
    this.#sendHeaders();
    this.#finish();
    this.#call.send("down", { kind: "end", trailers: setTrailerStatus(new Headers(), error) });
  }

  #abort(reason: ConnectError): void {
    if (this.#isOver) return;
    this.#end(reason);
    this.#receiver.onAbort(reason);
  }

  #sendHeaders(): void {
    if (this.#hasHeaders) return;
    this.#hasHeaders = true;
    this.#call.send("down", { kind: "headers", headers: this.#call.responseHeaders() });
  }

  #finish(): void {
    this.#isOver = true;
    this.#forgetDeadline();
  }
}
