import {
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImplSpec,
} from "@connectrpc/connect";

/** A method with one message each way, and who answers it. */
export type UnaryMethod = Extract<MethodImplSpec, { kind: "unary" }>;

/**
 * Adds services to a router, and returns those of their methods that are unary, by path: the router knows them only as
 * handlers of whole requests.
 */
export function addServices(router: ConnectRouter, routes: (router: ConnectRouter) => void): Map<string, UnaryMethod> {
  const methods = new Map<string, UnaryMethod>();
  const note = (spec: MethodImplSpec): void => {
    if (spec.kind === "unary") methods.set(`/${spec.method.parent.typeName}/${spec.method.name}`, spec);
  };
  const recorder: ConnectRouter = {
    handlers: router.handlers,
    service(service, implementation, options) {
      Object.values(createServiceImplSpec(service, implementation).methods).forEach(note);
      router.service(service, implementation, options);
      return recorder;
    },
    rpc(method, implementation, options) {
      note(createMethodImplSpec(method, implementation) as MethodImplSpec);
      router.rpc(method, implementation, options);
      return recorder;
    },
  };
  routes(recorder);
  return methods;
}
