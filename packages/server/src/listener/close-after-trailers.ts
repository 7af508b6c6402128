import { constants, type ServerHttp2Stream } from "node:http2";
import type { Runtime } from "@loom-bridge/protocol";

/** Ends the client's side too, which it may never do. https://www.rfc-editor.org/rfc/rfc9113#section-8.1 */
export function closeAfterTrailers(stream: ServerHttp2Stream, runtime: Runtime): void {
  // Node is about to send them; closing now would overtake them.
  stream.once("wantTrailers", () => runtime.defer(() => stream.close(constants.NGHTTP2_NO_ERROR)));
}
