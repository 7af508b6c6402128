/** A fault that was asked for. */
export interface Fault extends Disposable {
  /** In the words of the timeline. */
  readonly name: string;
  /** How many messages it hit so far. */
  readonly hits: number;
  /** Whether it is still to hit some message, as a fault that never hits proves nothing. */
  readonly isDue: boolean;
  /** Takes it back: a partition heals, what is held is released. Harmless when repeated. */
  remove(): void;
}
