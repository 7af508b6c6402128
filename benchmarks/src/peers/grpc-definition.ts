import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";
import { type ClientEvent, ClientEventSchema, type Delivery, DeliverySchema } from "@loom-bridge/protocol/messages";

/** `BridgeService.Stream` for grpc-js, with the codec that the others use. */
export const streamMethod: MethodDefinition<ClientEvent, Delivery> = {
  path: "/loom.bridge.v1.BridgeService/Stream",
  requestStream: true,
  responseStream: true,
  requestSerialize: encoder(ClientEventSchema),
  requestDeserialize: (bytes) => fromBinary(ClientEventSchema, bytes),
  responseSerialize: encoder(DeliverySchema),
  responseDeserialize: (bytes) => fromBinary(DeliverySchema, bytes),
};

function encoder<Schema extends DescMessage>(schema: Schema): (message: MessageShape<Schema>) => Buffer {
  return (message) => {
    const { buffer, byteOffset, byteLength } = toBinary(schema, message);
    return Buffer.from(buffer, byteOffset, byteLength);
  };
}
