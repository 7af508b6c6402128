import type { RoutedEvent } from "@loom-bridge/protocol/messages";

/** An event as it came, with what tells the bridge that it is finished. */
export interface ReceivedEvent {
  readonly subscription: number;
  readonly sequence: number;
  readonly routed: RoutedEvent;
  done(): void;
}
