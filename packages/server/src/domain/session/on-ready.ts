/**
 * Told that a session may have something to say, and of its end. `isUrgent`: somebody waits for just this, such as the
 * answer to a call, so that it is not to wait for what else the tick may bring.
 */
export type OnReady = (isUrgent?: boolean) => void;
