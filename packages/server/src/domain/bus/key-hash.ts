import { randomFillSync } from "node:crypto";

/** The upper bits of a hash that are as good as random; more would need wider numbers. */
export const evenBits = 17;

/** The longest text whose every character counts. */
const maxLength = 512;

/**
 * Hashes texts by a factor for each place that nobody knows, so that whoever chooses texts cannot choose hashes: two
 * texts have the upper {@link evenBits} in common no more often than by chance. Multiply-shift for vectors,
 * https://arxiv.org/abs/1504.06804
 */
export class KeyHash {
  readonly #factors = randomFillSync(new Int32Array(2 * maxLength + 2));
  /** The last one's: most keys come from whom the one before came from. */
  #owner = "";
  #ofOwner = 0;

  /** Hashes a text of an owner's, which is another one than the same text of somebody else's. */
  of(owner: string, text: string): number {
    if (owner !== this.#owner) {
      this.#ofOwner = this.#sum(owner, maxLength + 1);
      this.#owner = owner;
    }
    return (this.#ofOwner + this.#sum(text, 0)) | 0;
  }

  #sum(text: string, from: number): number {
    const factors = this.#factors;
    const length = Math.min(text.length, maxLength);
    // The length counts too: what is shorter would be the same as with zeros behind it.
    let sum = Math.imul(factors[from + maxLength] as number, length);
    for (let index = 0; index < length; index += 1) {
      sum = (sum + Math.imul(factors[from + index] as number, text.charCodeAt(index))) | 0;
    }
    return sum;
  }
}
