import { anyDepth, anySegment } from "@loom-bridge/protocol";

/** Whether every topic that `narrow` matches is one that `wide` matches. Both are segments of filters. */
export function filterCovers(wide: readonly string[], narrow: readonly string[]): boolean {
  if (!shareRoot(wide, narrow)) return false;
  for (const [index, segment] of wide.entries()) {
    const other = narrow[index];
    if (other === undefined) return false;
    if (segment === anyDepth) return true;
    if (other === anyDepth) return false;
    if (segment !== anySegment && segment !== other) return false;
  }
  return wide.length === narrow.length;
}

/** Whether there is a topic that both filters match. */
export function filtersOverlap(one: readonly string[], other: readonly string[]): boolean {
  if (!shareRoot(one, other)) return false;
  for (let index = 0; ; index += 1) {
    const [left, right] = [one[index], other[index]];
    if (left === undefined || right === undefined) return left === right;
    if (left === anyDepth || right === anyDepth) return true;
    if (left !== right && left !== anySegment && right !== anySegment) return false;
  }
}

/** A pattern in the first place matches no topic of the bridge's own. */
function shareRoot([one]: readonly string[], [other]: readonly string[]): boolean {
  return one === other || !(one?.startsWith("$") || other?.startsWith("$"));
}
