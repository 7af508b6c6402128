import { type Runtime, systemRuntime } from "@loom-bridge/protocol";
import type { BridgeTool } from "../domain/tools/bridge-tool.ts";
import { createFileTools, type FileToolsOptions } from "./file-tools.ts";
import { createWebFetchTool, type WebFetchOptions } from "./web-fetch.ts";

/** Which of the bridge's own tools there are, and what they may touch. */
export interface BuiltInToolsOptions {
  /** fs:read_file, fs:list_dir and, with `write`, fs:write_file. Default: none of them. */
  readonly files?: FileToolsOptions;
  /** web:fetch. Default: off. */
  readonly web?: WebFetchOptions;
  /** Default: that of this process. */
  readonly runtime?: Runtime;
}

/** The bridge's own tools. Each must be switched on, because whoever may call tools can use them. */
export function createBuiltInTools({ files, web, runtime = systemRuntime }: BuiltInToolsOptions): BridgeTool[] {
  return [
    ...(files === undefined ? [] : createFileTools(files, runtime)),
    ...(web === undefined ? [] : [createWebFetchTool(web)]),
  ];
}
