import fc from "fast-check";
import { callHeaders, data, envelope, flags } from "../raw-http2.ts";
import { corpus, registration, type Sample } from "./corpus.ts";

/** One thing to do to a bridge. */
export type Input =
  | { readonly kind: "message"; readonly path: string; readonly body: Buffer; readonly type: string }
  /** Whatever goes over a connection after HTTP/2's hello. */
  | { readonly kind: "frames"; readonly bytes: Buffer };

type Mutation = (bytes: Buffer) => Buffer;

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const place = (bytes: Buffer, where: number): number => Math.floor(where * (bytes.length + 1));

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(at, fc.nat(255)).map(
    ([where, value]): Mutation =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        if (changed.length > 0) changed[Math.floor(where * changed.length)] = value;
        return changed;
      },
  ),
  fc.tuple(at, fc.nat(7)).map(
    ([where, bit]): Mutation =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        const index = Math.floor(where * changed.length);
        if (changed.length > 0) changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        return changed;
      },
  ),
  fc.tuple(at, fc.uint8Array({ maxLength: 12 })).map(
    ([where, piece]): Mutation =>
      (bytes) => {
        const index = place(bytes, where);
        return Buffer.concat([bytes.subarray(0, index), piece, bytes.subarray(index)]);
      },
  ),
  fc.tuple(at, at).map(
    ([from, to]): Mutation =>
      (bytes) => {
        const [start, end] = [place(bytes, from), place(bytes, to)].sort((a, b) => a - b) as [number, number];
        return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
      },
  ),
  fc.tuple(at, at, fc.integer({ min: 2, max: 40 })).map(
    ([from, to, times]): Mutation =>
      (bytes) => {
        const [start, end] = [place(bytes, from), place(bytes, to)].sort((a, b) => a - b) as [number, number];
        const piece = bytes.subarray(start, end);
        return Buffer.concat([
          bytes.subarray(0, end),
          ...Array.from({ length: times }, () => piece),
          bytes.subarray(end),
        ]);
      },
  ),
);
const mutations = fc.array(mutation, { minLength: 1, maxLength: 6 });
const apply = (bytes: Uint8Array, changes: readonly Mutation[]): Buffer =>
  changes.reduce<Buffer>((changed, change) => change(changed), Buffer.from(bytes));

const anySample = fc.constantFrom(...corpus);
const behindRegister = (sample: Sample, message: Buffer): Buffer =>
  sample.path.endsWith("/Stream") ? Buffer.concat([envelope(registration), envelope(message)]) : envelope(message);

/** A valid message, changed byte by byte, in a valid envelope. */
const changedMessage = fc.tuple(anySample, mutations).map(([sample, changes]): Input => {
  const body = behindRegister(sample, apply(sample.binary, changes));
  return { kind: "message", path: sample.path, body, type: "application/grpc+proto" };
});

/** Valid messages whose envelopes are changed. */
const changedEnvelope = fc.tuple(anySample, mutations).map(([sample, changes]): Input => {
  const body = apply(behindRegister(sample, Buffer.from(sample.binary)), changes);
  return { kind: "message", path: sample.path, body, type: "application/grpc+proto" };
});

const unary = corpus.filter(({ streams }) => !streams);
const changedJson = fc.tuple(fc.constantFrom(...unary), mutations).map(([sample, changes]): Input => {
  const body = apply(Buffer.from(sample.json), changes);
  return { kind: "message", path: sample.path, body, type: "application/json" };
});

const name = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(".", "*", "**", "$", "$sys", "$dlq", "a", "-", "/", ":", "\0"), maxLength: 20 }),
  fc.constantFrom("__proto__", "constructor", "a".repeat(300), "a.".repeat(40), "$sys.agents.a.online", "**.a"),
);

/** Topics, filters, ids, names and arguments that may be anything, in messages that are valid otherwise. */
const strangeNames = fc
  .tuple(fc.constantFrom(...unary), fc.array(name, { minLength: 1, maxLength: 3 }), fc.jsonValue())
  .map(([sample, names, value]): Input => {
    const fields = JSON.parse(sample.json) as Record<string, unknown>;
    const keys = Object.keys(fields);
    for (const [index, text] of names.entries()) fields[keys[index % Math.max(1, keys.length)] ?? "topic"] = text;
    if ("arguments" in fields) fields["arguments"] = JSON.stringify(value);
    return { kind: "message", path: sample.path, body: Buffer.from(JSON.stringify(fields)), type: "application/json" };
  });

/** A whole call as frames, changed byte by byte. */
const changedFrames = fc.tuple(anySample, mutations).map(([sample, changes]): Input => {
  const body = data(1, behindRegister(sample, Buffer.from(sample.binary)), flags.endStream);
  return { kind: "frames", bytes: apply(Buffer.concat([callHeaders(1, sample.path), body]), changes) };
});

/** Everything that is tried, messages most of all: frames need a connection each. */
export const input: fc.Arbitrary<Input> = fc.oneof(
  { arbitrary: changedMessage, weight: 10 },
  { arbitrary: changedEnvelope, weight: 4 },
  { arbitrary: changedJson, weight: 4 },
  { arbitrary: strangeNames, weight: 4 },
  { arbitrary: changedFrames, weight: 1 },
);
