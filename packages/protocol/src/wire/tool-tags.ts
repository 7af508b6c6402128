/** Tags of the messages that carry calls of tools; those with a length but for refs, times, numbers and states. */
export const toolTags = {
  /** Of ClientEvent and of Delivery: the same in both. */
  frame: { toolRequest: 0x2a, toolResponse: 0x32 },
  request: { ref: 0x08, call: 0x12, caller: 0x1a, callers: 0x22, onBehalfOf: 0x28 },
  response: { ref: 0x08, result: 0x12 },
  call: {
    id: 0x0a,
    name: 0x12,
    arguments: 0x1a,
    timeoutMs: 0x20,
    headers: 0x2a,
    correlationId: 0x32,
    idempotencyKey: 0x3a,
    chain: 0x42,
    toolHash: 0x4a,
  },
  result: { status: 0x08, output: 0x12, id: 0x22 },
  chain: { hops: 0x08, remainingMs: 0x10, budget: 0x18, path: 0x22, spent: 0x28 },
  pair: { key: 0x0a, value: 0x12 },
} as const;
