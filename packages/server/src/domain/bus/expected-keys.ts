import type { KeyHash } from "./key-hash.ts";

export interface PublishKey {
  readonly sender: string;
  readonly id: string;
}

const nothing: readonly PublishKey[] = [];

/**
 * Hashes of keys that are asked for next, in their order; some may be asked for twice, or never. It holds on to the last
 * ones until there are others.
 */
export class ExpectedKeys {
  #keys = nothing;
  #hashes = new Int32Array(64);
  #at = 0;

  /** Hashes keys, and forgets the ones before. */
  hash(keys: readonly PublishKey[], hash: KeyHash): Int32Array {
    if (keys.length > this.#hashes.length) this.#hashes = new Int32Array(2 * keys.length);
    for (let index = 0; index < keys.length; index += 1) {
      const { sender, id } = keys[index] as PublishKey;
      this.#hashes[index] = hash.of(sender, id);
    }
    this.#keys = keys;
    this.#at = 0;
    return this.#hashes;
  }

  /** The hash of a key, where it is expected. */
  find(sender: string, id: string): number | undefined {
    const keys = this.#keys;
    for (let at = this.#at; at < keys.length; at += 1) {
      const key = keys[at] as PublishKey;
      if (key.id !== id || key.sender !== sender) continue;
      this.#at = at;
      return this.#hashes[at];
    }
    this.#keys = nothing;
    return undefined;
  }
}
