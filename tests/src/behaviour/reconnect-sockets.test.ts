import { test } from "node:test";
import { breakUnderLoad } from "../soak/break-under-load.ts";
import { createFragileSockets } from "../soak/fragile-world.ts";

const create = createFragileSockets;

for (const delivered of ["at-least-once", "at-most-once"] as const) {
  test(`100 broken sockets under load lose nothing and double nothing, delivered ${delivered}`, (context) =>
    breakUnderLoad(context, { create, delivered, reconnects: 100 }));
}
