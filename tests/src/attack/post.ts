import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";

/** What came back for a call. */
export interface Answer {
  readonly status: number;
  /** gRPC's, by number; NaN where the answer has none. */
  readonly grpcStatus: number;
  readonly message: string;
  readonly body: Buffer;
  /** Why HTTP/2 ended the stream; 0 when it did not. */
  readonly resetCode: number;
}

/** gRPC's numbers. https://grpc.io/docs/guides/status-codes/ */
export const statuses = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
} as const;

/** Makes one call over a connection of its own: any bytes as its body, any headers. */
export async function post(
  url: string,
  path: string,
  body: Uint8Array,
  more: Record<string, string | string[]> = {},
): Promise<Answer> {
  const session = connectHttp2(url);
  session.on("error", () => {});
  try {
    return await new Promise((resolve) => {
      const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc+proto", te: "trailers" };
      const stream = session.request({ ...headers, ...more });
      let head: IncomingHttpHeaders = {};
      let trailers: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on("response", (received) => (head = received));
      stream.on("trailers", (received) => (trailers = received));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", () => {});
      stream.on("close", () => {
        const said = { ...head, ...trailers };
        resolve({
          status: Number(head[":status"]),
          grpcStatus: Number(said["grpc-status"]),
          message: decodeURIComponent(String(said["grpc-message"] ?? "")),
          body: Buffer.concat(chunks),
          resetCode: stream.rstCode,
        });
      });
      stream.end(body);
    });
  } finally {
    session.destroy();
  }
}
