import { connect } from "@nats-io/transport-node";
import type { OpenCalls, ToolMessage } from "./peer.ts";

/** Requests to a queue group, with JSON both ways. */
export const openNatsCalls: OpenCalls = async (address, _agentName, onFailure) => {
  const connection = await connect({ servers: address });
  void connection.closed().then((error) => {
    if (error !== undefined) onFailure(error);
  });
  return {
    async provide(name) {
      connection.subscribe(name, {
        queue: "tool",
        callback: (error, message) => {
          if (error !== null) onFailure(error);
          else message.respond(JSON.stringify(message.json()));
        },
      });
      await connection.flush();
    },
    async call(name, message) {
      return (await connection.request(name, JSON.stringify(message), { timeout: 30_000 })).json<ToolMessage>();
    },
    close: () => connection.close(),
  };
};
