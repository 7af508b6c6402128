import {
  create,
  type DescMessage,
  fromBinary,
  fromJsonString,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";

/** How messages become bytes: protobuf's own form, or its JSON, which is what browsers and `curl` speak. */
export type CodecName = "proto" | "json";

/** Turns messages into bytes and back. */
export interface Codec {
  readonly name: CodecName;
  /** Of a response: what the bytes are. */
  readonly contentType: string;
  encode<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): Uint8Array;
  /** @throws Error for what is no such message; fields that it does not know are passed over */
  decode<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc>;
}

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder("utf-8", { fatal: true }) };

const proto: Codec = {
  name: "proto",
  contentType: "application/grpc+proto",
  encode: (schema, message) => toBinary(schema, create(schema, message)),
  decode: (schema, bytes) => fromBinary(schema, bytes),
};

const json: Codec = {
  name: "json",
  contentType: "application/grpc+json",
  encode: (schema, message) => utf8.encoder.encode(toJsonString(schema, create(schema, message))),
  decode: (schema, bytes) => fromJsonString(schema, utf8.decoder.decode(bytes), { ignoreUnknownFields: true }),
};

export const codecs: Readonly<Record<CodecName, Codec>> = { proto, json };
