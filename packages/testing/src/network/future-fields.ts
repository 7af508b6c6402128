import { create, type DescField, type DescMessage, type JsonObject, type Message, toBinary } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { HeartbeatSchema, PublishItemSchema, RoutedEventSchema } from "@loom-bridge/protocol/messages";
import type { Encoded } from "./call.ts";

/** Far above what the protocol will ever use. */
const number = 50_000;
const member = "fieldOfALaterVersion";
const text = "of a later version";

/** The field behind its tag, and in bytes. */
const unknown = { no: number, wireType: WireType.LengthDelimited, data: new BinaryWriter().string(text).finish() };
const unknownBytes = toBinary(HeartbeatSchema, Object.assign(create(HeartbeatSchema), { $unknown: [unknown] }));

/** Messages that hold an encoded event. */
const carriers: ReadonlySet<string> = new Set([PublishItemSchema.typeName, RoutedEventSchema.typeName]);

/**
 * A message as a later version of the protocol could say it: with a field that this one does not know, in itself and in
 * all that it holds. What is no message of the protocol stays as it is.
 */
export function addFutureFields({ codec, schema, bytes }: Encoded): Uint8Array {
  if (schema === undefined) return bytes;
  let message: Message;
  try {
    message = codec.decode(schema, bytes);
  } catch {
    return bytes;
  }
  addUnknown(reflect(schema, message));
  const encoded = codec.encode(schema, message as never);
  if (codec.name === "proto") return encoded;
  const json = JSON.parse(Buffer.from(encoded).toString()) as JsonObject;
  addMember(schema, json);
  return Buffer.from(JSON.stringify(json));
}

function addUnknown(message: ReflectMessage): void {
  message.setUnknown([...(message.getUnknown() ?? []).filter(({ no }) => no !== number), unknown]);
  for (const field of message.fields.filter((each) => message.isSet(each))) {
    for (const held of messagesIn(message, field)) addUnknown(held);
    if (carriers.has(message.desc.typeName) && field.name === "event") {
      message.set(field, Buffer.concat([message.get(field) as Uint8Array, unknownBytes]));
    }
  }
}

function messagesIn(message: ReflectMessage, field: DescField): Iterable<ReflectMessage> {
  if (field.fieldKind === "message") return [message.get(field)];
  if (field.fieldKind === "list" && field.listKind === "message") {
    return message.get(field) as Iterable<unknown> as Iterable<ReflectMessage>;
  }
  return [];
}

/** The same for the JSON of a message. */
function addMember(schema: DescMessage, json: JsonObject): void {
  for (const { jsonName, message } of schema.fields) {
    const value = json[jsonName];
    if (message === undefined || value === undefined) continue;
    for (const held of [value].flat() as JsonObject[]) addMember(message, held);
  }
  json[member] = text;
}
