import { Access } from "./access.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { anybody } from "./principal.ts";

/** Somebody who may do everything. */
export const anyone: Access = new Access(anybody);

/** Watches over nobody. */
export const noGate: Pick<Gatekeeper, "hold" | "holdStream" | "admit"> = {
  hold: () => () => {},
  holdStream: () => () => {},
  admit: () => anyone,
};
