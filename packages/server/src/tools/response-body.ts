import type { IncomingMessage } from "node:http";
import { ToolFailure } from "../domain/tools/tool-failure.ts";

/** Reads at most `maxBytes` of a response as text and closes it. */
export async function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly body: string; readonly truncated: boolean }> {
  const encoding = response.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    response.destroy();
    throw new ToolFailure(
      "EXECUTION_ERROR",
      `the server sent the content encoding ${JSON.stringify(encoding)}, which was not asked for`,
    );
  }
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      // Leaving the loop destroys the response, and its connection with it.
      if (length > maxBytes) break;
    }
  } catch (cause) {
    throw new ToolFailure("EXECUTION_ERROR", "the server broke off its response", { cause });
  }
  const truncated = length > maxBytes;
  const bytes = Buffer.concat(chunks).subarray(0, maxBytes);
  // As a stream, a character that was cut in two at the end is left out instead of spoilt.
  return { body: decoderFor(response.headers["content-type"]).decode(bytes, { stream: truncated }), truncated };
}

function decoderFor(contentType = ""): TextDecoder {
  const charset = /charset="?([^\s;"]+)/i.exec(contentType)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset);
  } catch {
    // A charset that nobody knows: UTF-8 is right more often than any other.
    return new TextDecoder();
  }
}
