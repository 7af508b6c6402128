import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { DescMessage } from "@bufbuild/protobuf";
import type { InboundRate } from "./inbound-rate.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import { createMessageCollector } from "./message-collector.ts";
import { createMessageInspector } from "./message-inspector.ts";
import type { Refuse } from "./refusal.ts";
import { createRequestBody, type RequestBody } from "./request-body.ts";

export interface InspectedBodyOptions {
  /** What the messages are. */
  readonly input: DescMessage;
  readonly limits: ListenerLimits;
  readonly refuse: Refuse;
  readonly rate: InboundRate;
}

/** The messages of a request, each whole, plain and measured. What they no longer are is taken from the headers. */
export function createInspectedBody(
  request: IncomingMessage | Http2ServerRequest,
  header: Headers,
  { input, limits, refuse, rate }: InspectedBodyOptions,
): RequestBody {
  const messages = describeMessages(header);
  if (messages.gzip && !messages.enveloped) {
    header.delete("content-encoding");
    header.delete("content-length");
  }
  return createRequestBody(request, {
    collector: createMessageCollector({ ...messages, maxBytes: limits.readMaxBytes, refuse }),
    inspect: createMessageInspector({ ...messages, input, limits, refuse }),
    rate,
  });
}

/** What the headers of a request say of its messages. https://connectrpc.com/docs/protocol/ */
export function describeMessages(header: Headers): { enveloped: boolean; json: boolean; gzip: boolean } {
  const type = (header.get("content-type") ?? "").toLowerCase();
  const enveloped = /^application\/(?:grpc|connect\+)/.test(type);
  const encoding = enveloped
    ? (header.get("grpc-encoding") ?? header.get("connect-content-encoding"))
    : header.get("content-encoding");
  return { enveloped, json: /^application\/(?:[\w-]+\+)?json\b/.test(type), gzip: encoding === "gzip" };
}
