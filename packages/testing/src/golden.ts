export { compareTranscripts, matchGolden } from "./golden/match-golden.ts";
export { recordTransport } from "./golden/record-transport.ts";
export { replay } from "./golden/replay.ts";
export { type RecordedCall, Transcript, type TranscriptLine } from "./golden/transcript.ts";
