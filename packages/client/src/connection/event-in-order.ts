import type { EncodedEvent } from "../wire/encoded-batch.ts";
import type { AckLine } from "./event-acks.ts";
import type { Arrival, ReceivedEvent } from "./received-event.ts";

/** An event of a subscription that is acknowledged in order, where there is only one way to be finished with it. */
export class EventInOrder implements ReceivedEvent {
  readonly arrival: Arrival;
  readonly sequence: number;
  readonly encoded: EncodedEvent;
  readonly #line: AckLine;

  constructor(line: AckLine, arrival: Arrival, sequence: number, encoded: EncodedEvent) {
    this.#line = line;
    this.arrival = arrival;
    this.sequence = sequence;
    this.encoded = encoded;
  }

  settle(): void {
    this.#line.finished(this.sequence);
  }
}
