import type { Usage } from "./usage.ts";

/** What a process of a benchmark does. */
export interface Role {
  /** What the starter learns as soon as it runs. */
  readonly ready?: unknown;
  /** What the starter may ask for, by name. */
  readonly commands?: Readonly<Record<string, (argument: unknown) => unknown>>;
  /** Default: that of this process. */
  usage?(): Usage;
  /** Of a process that it has started and that does its work. */
  readonly pid?: number;
  close(): Promise<void>;
}

export interface RoleContext {
  /** Ends the benchmark: for failures where nobody waits. */
  readonly fail: (error: unknown) => void;
}

export type StartRole<Options> = (options: Options, context: RoleContext) => Promise<Role>;

/** From the starter to the worker. */
export interface WorkerRequest {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

/** From the worker to the starter. Id 0 is the start itself. */
export type WorkerMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly failure: string };
