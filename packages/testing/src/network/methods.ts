import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { ActionService, AgentService, BridgeService, MemoryService } from "@loom-bridge/protocol/messages";

/** A call of the protocol, as frames know it. */
export interface CallMethod {
  /** As in `stream`, `publish`, `forwardToolCall`, `savePlan`. */
  readonly name: string;
  readonly input: DescMessage | undefined;
  readonly output: DescMessage | undefined;
}

const byPath: ReadonlyMap<string, CallMethod> = new Map(
  [BridgeService, ActionService, MemoryService, AgentService].flatMap(({ typeName, methods }) =>
    methods.map((method: DescMethod) => {
      const { localName: name, input, output } = method;
      return [`/${typeName}/${method.name}`, { name, input, output }] as const;
    }),
  ),
);

/** What stands behind a path; of one that the protocol does not have, the path alone. */
export function methodOf(path: string): CallMethod {
  return byPath.get(path) ?? { name: path, input: undefined, output: undefined };
}
