import { randomFillSync } from "node:crypto";

/** The upper bits of a hash that are as good as random; more would need wider numbers. */
export const evenBits = 17;

/** So many bytes of a text count, as UTF-8. */
const maxBytes = 512;
const maxPairs = maxBytes / 2;

/**
 * Hashes texts by a factor for each two bytes that nobody knows, so that whoever chooses texts cannot choose hashes: two
 * texts have the upper {@link evenBits} in common no more often than by chance. Multiply-shift for vectors,
 * https://arxiv.org/abs/1504.06804
 */
export class KeyHash {
  readonly #factors = randomFillSync(new Int32Array(2 * maxPairs + 2));
  /** A text's bytes, written at once: to ask a text for each of its characters takes more than twice the time. */
  readonly #bytes = Buffer.alloc(maxBytes + 1);
  readonly #pairs = new Uint16Array(this.#bytes.buffer, this.#bytes.byteOffset, maxPairs);
  /** The last one's: most keys come from whom the one before came from. */
  #owner = "";
  #ofOwner = 0;

  /** Hashes a text of an owner's, which is another one than the same text of somebody else's. */
  of(owner: string, text: string): number {
    if (owner !== this.#owner) {
      this.#ofOwner = this.#sum(owner, maxPairs + 1);
      this.#owner = owner;
    }
    return (this.#ofOwner + this.#sum(text, 0)) | 0;
  }

  #sum(text: string, from: number): number {
    const factors = this.#factors;
    const pairs = this.#pairs;
    const length = this.#bytes.write(text, 0, maxBytes);
    this.#bytes[length] = 0;
    // The length counts too: what is shorter would be the same as with zeros behind it.
    let sum = Math.imul(factors[from + maxPairs] as number, length);
    for (let index = 0; 2 * index < length; index += 1) {
      sum = (sum + Math.imul(factors[from + index] as number, pairs[index] as number)) | 0;
    }
    return sum;
  }
}
