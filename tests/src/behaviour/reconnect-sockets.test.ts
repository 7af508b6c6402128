import { test } from "node:test";
import { breakUnderLoad } from "../soak/break-under-load.ts";
import { createFragileSockets } from "../soak/fragile-world.ts";

const create = createFragileSockets;

test("1000 broken sockets under load lose nothing and double nothing, delivered at least once", (context) =>
  breakUnderLoad(context, { create, delivered: "at-least-once", reconnects: 1000 }));

test("200 broken sockets under load lose nothing and double nothing, delivered at most once", (context) =>
  breakUnderLoad(context, { create, delivered: "at-most-once", reconnects: 200 }));
