import { create, type DescMessage, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  CheckDuplicateRequestSchema,
  ClientEventSchema,
  EventSchema,
  GetStatsRequestSchema,
  ListAgentsRequestSchema,
  MarkExecutedRequestSchema,
  PublishRequestSchema,
  type RegisterSchema,
  SavePlanRequestSchema,
  SubscribeRequestSchema,
  ToolCallSchema,
} from "@loom-bridge/protocol/messages";

/** A valid message, from which others are made that are not. */
export interface Sample {
  readonly path: string;
  readonly binary: Uint8Array;
  readonly json: string;
  /** Whether its call answers before the client ends. */
  readonly streams: boolean;
}

const service = "/loom.bridge.v1.";

function sample<Desc extends DescMessage>(
  path: string,
  schema: Desc,
  init: MessageInitShape<Desc>,
  streams = false,
): Sample {
  const message = create(schema, init);
  return { path: service + path, binary: toBinary(schema, message), json: toJsonString(schema, message), streams };
}

const event = {
  id: "event-1",
  type: "price",
  timestampMs: 1_700_000_000_000n,
  source: "fuzz",
  metadata: { sender: "fuzz", "loom.reply_to": "a.b", key: "value" },
  payload: new TextEncoder().encode('{"price":1.5}'),
  confidence: 0.5,
  tags: ["a", "b"],
};
const encoded = toBinary(EventSchema, create(EventSchema, event));
const plan = { symbol: "BTC", action: "BUY", confidence: 0.9, reasoning: "it rises", metadata: { a: "b" } };
const tool = {
  name: "t",
  description: "d",
  parametersSchema: '{"type":"object","properties":{"a":{"type":"string"}}}',
};
const register: MessageInitShape<typeof RegisterSchema> = {
  agentId: "fuzz",
  topics: ["a.*", "b.**"],
  metadata: { role: "fuzz" },
  features: [1, 2],
  tools: [tool],
  subscriptions: [{ id: 1, filters: ["c.d"], eventTypes: ["x"], window: 10 }],
};
type Say = NonNullable<MessageInitShape<typeof ClientEventSchema>["event"]>;
const stream = (said: Say): Sample => sample("BridgeService/Stream", ClientEventSchema, { event: said }, true);

/** What opens a session, to say other things in. */
export const registration: Uint8Array = stream({ case: "register", value: register }).binary;

export const corpus: readonly Sample[] = [
  stream({ case: "register", value: register }),
  stream({ case: "publish", value: { topic: "a.b", event, ref: 7n } }),
  stream({
    case: "publishBatch",
    value: { firstRef: 1n, items: [{ topic: "a.b", event: encoded, id: "i", type: "t", key: "k" }] },
  }),
  stream({ case: "heartbeat", value: { timestampMs: 1n } }),
  stream({ case: "toolRequest", value: { ref: 1, call: { name: "t", arguments: '{"a":"b"}', headers: { a: "b" } } } }),
  stream({ case: "toolResponse", value: { ref: 1, result: { output: "1" } } }),
  stream({ case: "subscribe", value: { subscription: { id: 2, filters: ["e.*"], window: 5 } } }),
  stream({ case: "unsubscribe", value: { id: 1 } }),
  stream({ case: "eventAck", value: { subscription: 1, sequence: 3n } }),
  stream({ case: "eventSettle", value: { subscription: 1, settlements: [{ sequence: 1n }] } }),
  stream({ case: "goodbye", value: { reason: "done" } }),
  sample("BridgeService/Publish", PublishRequestSchema, { topic: "a.b", event }),
  sample("BridgeService/Subscribe", SubscribeRequestSchema, { filters: ["a.*"], eventTypes: ["t"] }, true),
  sample("BridgeService/GetStats", GetStatsRequestSchema, { filter: "a.**" }),
  sample("ActionService/ForwardToolCall", ToolCallSchema, { name: "t", arguments: '{"a":"b"}', timeoutMs: 20 }),
  sample("MemoryService/SavePlan", SavePlanRequestSchema, { sessionId: "s", plan, onlyIfNew: true }),
  sample("MemoryService/CheckDuplicate", CheckDuplicateRequestSchema, { sessionId: "s", plan, timeWindowSec: 60 }),
  sample("MemoryService/MarkExecuted", MarkExecutedRequestSchema, {
    sessionId: "s",
    planHash: "h",
    execution: { symbol: "BTC" },
  }),
  sample("AgentService/ListAgents", ListAgentsRequestSchema, {}),
];
