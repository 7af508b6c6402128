// For operators who run a bridge inside their own program.
export { createCalloutAuthenticator } from "./auth/callout.ts";
export type { GrantsInit, RulesInit } from "./auth/grants-init.ts";
export { createPrincipal, type PrincipalInit } from "./auth/principal-init.ts";
export { type Bridge, type BridgeOptions, createBridge, type TenantOptions } from "./bridge.ts";
export type { BridgeLimits } from "./bridge-limits.ts";
export type { Authenticator, ClientCertificate, Presented } from "./domain/access/authenticator.ts";
export type { ReloadOutcome } from "./domain/access/gatekeeper.ts";
export type { Act, Grants, Rules } from "./domain/access/grants.ts";
export type { Principal, PrincipalLimits } from "./domain/access/principal.ts";
export type { JournalLimits } from "./domain/journal/journal.ts";
// For those who write a store.
export type { EventLog, Filters, LogPage, LogPosition, ReadFrom } from "./domain/log/event-log.ts";
export type { RetentionLimits } from "./domain/log/retention-limits.ts";
export { type Logger, silentLogger } from "./domain/logger.ts";
export type { MemoryLimits } from "./domain/memory/memory-limits.ts";
export type * from "./domain/memory/memory-store.ts";
export type { BridgeTool, BridgeToolContext, JsonValue } from "./domain/tools/bridge-tool.ts";
export type { CallResultLimits, CallResultStore } from "./domain/tools/call-result-store.ts";
export type { ToolDescriptor, ToolInvocation, ToolOutcome, ToolProvider } from "./domain/tools/tool.ts";
export { ToolFailure } from "./domain/tools/tool-failure.ts";
export { type Admission, admissionKey } from "./listener/admission.ts";
export type { ListenerLimits } from "./listener/listener-limits.ts";
export type { MessageReceiver, MessageStream, MessageStreamHandler } from "./listener/message-stream.ts";
export type { TlsOptions } from "./listener/tls.ts";
export { type BridgeServer, type ServeOptions, serve } from "./serve.ts";
export type { SpaceStores } from "./spaces.ts";
export { createInMemoryCallResults } from "./stores/call-results/in-memory-call-results.ts";
export {
  createSqliteCallResults,
  type SqliteCallResultsOptions,
} from "./stores/call-results/sqlite-call-results.ts";
export { createInMemoryEventLog, type InMemoryEventLogOptions } from "./stores/log/in-memory-event-log.ts";
export { createSqliteEventLog, type SqliteEventLogOptions } from "./stores/log/sqlite-event-log.ts";
export { createInMemoryStore, type InMemoryStoreOptions } from "./stores/memory/in-memory-store.ts";
export { createSqliteStore, type SqliteStoreOptions } from "./stores/sqlite/sqlite-store.ts";
export { type BuiltInToolsOptions, createBuiltInTools } from "./tools/built-in-tools.ts";
export { version } from "./version.ts";
