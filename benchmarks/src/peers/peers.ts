import type { OpenBus, OpenCalls, RunningServer } from "./peer.ts";

/** Who is compared, by the name that --peers takes. A library is loaded only by the process that uses it. */
export const peerLabels = {
  loom: "Loom Bridge",
  nats: "nats-server, @nats-io/transport-node",
  grpc: "grpc-js streaming",
  connect: "connect-es streaming",
  raw: "raw node:http2",
  bytes: "raw node:http2, no codec at the sender",
} as const;

export type PeerName = keyof typeof peerLabels;

export async function loadBus(peer: PeerName): Promise<OpenBus> {
  switch (peer) {
    case "loom":
      return (await import("./loom-bus.ts")).openLoomBus;
    case "nats":
      return (await import("./nats-bus.ts")).openNatsBus;
    case "grpc":
      return (await import("./grpc-bus.ts")).openGrpcBus;
    case "connect":
      return (await import("./connect-bus.ts")).openConnectBus;
    case "raw":
      return (await import("./raw-bus.ts")).openRawBus;
    case "bytes":
      return (await import("./raw-bus.ts")).openBytesBus;
  }
}

export type CallPeerName = "loom" | "nats" | "raw";

export async function loadCalls(peer: CallPeerName): Promise<OpenCalls> {
  switch (peer) {
    case "loom":
      return (await import("./loom-calls.ts")).openLoomCalls;
    case "nats":
      return (await import("./nats-calls.ts")).openNatsCalls;
    case "raw":
      return (await import("./raw-calls.ts")).openRawCalls;
  }
}

export async function startServer(peer: PeerName, options: object): Promise<RunningServer> {
  switch (peer) {
    case "loom":
      return (await import("./loom-server.ts")).startLoomServer(options);
    case "nats":
      return (await import("./nats-server.ts")).startNatsServer();
    case "grpc":
      return (await import("./grpc-server.ts")).startGrpcServer();
    case "connect":
      return (await import("./connect-server.ts")).startConnectServer();
    case "raw":
    case "bytes":
      return (await import("./raw-server.ts")).startRawServer();
  }
}
