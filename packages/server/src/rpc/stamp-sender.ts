import { envelopeKeys } from "@loom-bridge/protocol";

const bareKey = envelopeKeys.sender.slice("loom.".length);

/** Writes into an event's metadata who sent it, in place of whatever its publisher says. Empty: nobody is known. */
export function stampSender(metadata: Record<string, string>, sender: string): void {
  if (metadata[bareKey] !== sender) delete metadata[bareKey];
  if (sender === "") delete metadata[envelopeKeys.sender];
  else metadata[envelopeKeys.sender] = sender;
}
