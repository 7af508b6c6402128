import type { DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Access } from "../domain/access/access.ts";
import { accessOf } from "./access-of.ts";

type Handler = (request: unknown, context: HandlerContext) => unknown;

/** Serves each call by the implementation that is chosen for the one who makes it. */
export function dispatch<Service extends DescService>(
  service: Service,
  choose: (access: Access) => ServiceImpl<Service>,
): ServiceImpl<Service> {
  const handlers = service.methods.map(({ localName }): [string, Handler] => [
    localName,
    (request, context) => {
      const implementation = choose(accessOf(context)) as Readonly<Record<string, Handler>>;
      return implementation[localName]?.(request, context);
    },
  ]);
  return Object.fromEntries(handlers) as ServiceImpl<Service>;
}
