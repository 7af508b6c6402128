/** How messages lie in bytes: what both ends of a fast stream share. Not for authors; it may change with any version. */
export { EnvelopeWriter } from "./wire/envelope-writer.ts";
export { KnownBytes } from "./wire/known-bytes.ts";
export {
  compressedFlag,
  MessageSplitter,
  type MessageSplitterOptions,
  messageTooLarge,
} from "./wire/message-splitter.ts";
export { ToolFrameReader } from "./wire/tool-frame-reader.ts";
export { toolTags } from "./wire/tool-tags.ts";
export { WireReader } from "./wire/wire-reader.ts";
export { isSameText, isText, RepeatedText, readText } from "./wire/wire-text.ts";
export {
  blockBytes,
  closeBlock,
  pairBytes,
  textBytes,
  textFieldBytes,
  varintBytes,
  writeText,
  writeTextField,
  writeVarint,
} from "./wire/write-field.ts";
export { type ToolFrame, writeToolFrame } from "./wire/write-tool-frame.ts";
