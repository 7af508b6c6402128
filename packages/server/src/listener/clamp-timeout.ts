const grpcUnitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/**
 * Shortens a call's deadline to `maxMs`. Clients legally ask for `99999999H`; Node would fire so long a timer at once,
 * and Connect would refuse it. What is no timeout at all is left for Connect to refuse.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
 */
export function clampTimeout(header: Headers, maxMs: number): void {
  const grpc = /^(\d{1,8})([HMSmun])$/.exec(header.get("grpc-timeout") ?? "");
  if (grpc !== null && Number(grpc[1]) * (grpcUnitsMs[grpc[2] ?? ""] ?? 0) > maxMs) {
    // The number has eight digits at most.
    header.set("grpc-timeout", maxMs > 99_999_999 ? `${Math.floor(maxMs / 1000)}S` : `${maxMs}m`);
  }
  const connect = /^\d{1,10}$/.exec(header.get("connect-timeout-ms") ?? "");
  if (connect !== null && Number(connect[0]) > maxMs) header.set("connect-timeout-ms", String(maxMs));
}
