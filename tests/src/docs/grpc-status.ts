import { Code } from "@connectrpc/connect";

/** A code as gRPC spells it: INVALID_ARGUMENT for Code.InvalidArgument. */
export function grpcStatus(code: Code): string {
  const name = Code[code].replaceAll(/\B[A-Z]/g, "_$&").toUpperCase();
  return name === "CANCELED" ? "CANCELLED" : name;
}
