export interface CallToolOptions {
  /** How long the call may take, in milliseconds. Default: 30 000; at most 600 000. */
  timeoutMs?: number;
  /** Identifies the call: repeating an id within two minutes returns the first result. Default: the bridge's choice. */
  id?: string;
  /** Free pairs for the provider. */
  headers?: Readonly<Record<string, string>>;
  correlationId?: string;
  /** Cancels the call, also at its provider. */
  signal?: AbortSignal;
}
