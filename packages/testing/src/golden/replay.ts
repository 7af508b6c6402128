import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { ActionService, AgentService, BridgeService, MemoryService } from "@loom-bridge/protocol/messages";
import type { TestBridge } from "../test-bridge.ts";
import { compareTranscripts } from "./match-golden.ts";
import { readRecorded, recordTransport } from "./record-transport.ts";
import { Transcript, type TranscriptLine } from "./transcript.ts";

type Methods = Record<string, (input: unknown) => unknown>;

/** A call that is said again. */
interface Replayed {
  say(message: Message): void;
  endSaying(): void;
  /** Resolves with whether another message came. */
  hear(): Promise<boolean>;
}

const services = [BridgeService, ActionService, MemoryService, AgentService];

/**
 * Says to a test bridge all that agents have said in a transcript, in the same order, and waits for each answer in its
 * place: an upgrade test for agents that nobody wants to start.
 * @throws WorldError that shows the first answer that is another one.
 */
export async function replay(golden: Transcript, bridge: TestBridge): Promise<Transcript> {
  const actual = new Transcript();
  const calls = new Map<number, Replayed>();
  const transports = new Map<string, Transport>();
  for (const line of golden.lines) {
    const transport = transports.get(line.link) ?? recordTransport(bridge.transport(line.link), actual, line.link);
    transports.set(line.link, transport);
    const call = calls.get(line.call) ?? open(line, transport);
    calls.set(line.call, call);
    const { input } = methodOf(line.path);
    if (line.direction === "up") call.say(readRecorded(input, line.bytes));
    else await bridge.run(call.hear(), { what: `what the bridge says to ${line.link} in the transcript` });
    await bridge.settle();
  }
  for (const call of calls.values()) call.endSaying();
  await bridge.settle();
  compareTranscripts(golden, actual, "the transcript that is replayed");
  return actual;
}

function methodOf(path: string): { name: string; input: DescMessage; isStream: boolean } {
  const [, typeName, name] = path.split("/");
  const method = services.find((service) => service.typeName === typeName)?.methods.find((one) => one.name === name);
  if (method === undefined) throw new Error(`the transcript has a call of ${path}, which the protocol does not have`);
  return { name: method.localName, input: method.input, isStream: method.methodKind !== "unary" };
}

function open(line: TranscriptLine, transport: Transport): Replayed {
  const { name, isStream } = methodOf(line.path);
  const service = services.find(({ typeName }) => line.path.startsWith(`/${typeName}/`)) ?? BridgeService;
  const client = createClient(service, transport) as unknown as Methods;
  if (isStream) return openStream((input) => client[name]?.(input) as AsyncIterable<unknown>);
  let answer: Promise<unknown> = Promise.resolve();
  return {
    say(message) {
      answer = Promise.resolve(client[name]?.(message));
    },
    endSaying: () => {},
    hear: () => answer.then(() => true),
  };
}

function openStream(start: (input: AsyncIterable<Message>) => AsyncIterable<unknown>): Replayed {
  const said: Message[] = [];
  let hasEnded = false;
  let wake: (() => void) | undefined;
  async function* input(): AsyncGenerator<Message> {
    for (;;) {
      const next = said.shift();
      if (next !== undefined) yield next;
      else if (hasEnded) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const heard = start(input())[Symbol.asyncIterator]();
  // Heartbeats are not in a transcript, and so their answers do not count.
  return {
    say(message) {
      said.push(message);
      wake?.();
    },
    endSaying() {
      hasEnded = true;
      wake?.();
      heard.return?.().catch(() => {});
    },
    hear: () => heard.next().then(({ done }) => done !== true),
  };
}
