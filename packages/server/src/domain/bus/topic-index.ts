import { anyDepth, anySegment } from "@loom-bridge/protocol";

interface Node<Value> {
  readonly children: Map<string, Node<Value>>;
  /** Values whose filter ends here. */
  readonly exact: Set<Value>;
  /** Values whose filter ends here with "**". */
  readonly deep: Set<Value>;
}

/**
 * Finds the values whose filter matches a topic. A tree of segments, so that a look-up costs what the topic's depth
 * and its matches cost, however many filters there are. Removing a filter removes the branches that it alone needed.
 */
export class TopicIndex<Value> {
  readonly #root: Node<Value> = createNode();

  add(filter: readonly string[], value: Value): void {
    let node = this.#root;
    for (const segment of filter) {
      if (segment === anyDepth) {
        node.deep.add(value);
        return;
      }
      let child = node.children.get(segment);
      if (child === undefined) {
        child = createNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    node.exact.add(value);
  }

  remove(filter: readonly string[], value: Value): void {
    removeFrom(this.#root, filter, 0, value);
  }

  /** Calls `visit` for every filter that matches, so more than once for a value that has several. */
  match(topic: readonly string[], visit: (value: Value) => void): void {
    matchFrom(this.#root, topic, 0, visit);
  }

  get isEmpty(): boolean {
    return isUnused(this.#root);
  }
}

function createNode<Value>(): Node<Value> {
  return { children: new Map(), exact: new Set(), deep: new Set() };
}

function isUnused(node: Node<unknown>): boolean {
  return node.children.size === 0 && node.exact.size === 0 && node.deep.size === 0;
}

function removeFrom<Value>(node: Node<Value>, filter: readonly string[], depth: number, value: Value): void {
  const segment = filter[depth];
  if (segment === undefined) {
    node.exact.delete(value);
  } else if (segment === anyDepth) {
    node.deep.delete(value);
  } else {
    const child = node.children.get(segment);
    if (child === undefined) return;
    removeFrom(child, filter, depth + 1, value);
    if (isUnused(child)) node.children.delete(segment);
  }
}

function matchFrom<Value>(
  node: Node<Value>,
  topic: readonly string[],
  depth: number,
  visit: (value: Value) => void,
): void {
  const segment = topic[depth];
  if (segment === undefined) {
    node.exact.forEach(visit);
    return;
  }
  const child = node.children.get(segment);
  if (child !== undefined) matchFrom(child, topic, depth + 1, visit);
  // Whoever asks for everything is not sent what the bridge says of itself.
  if (depth === 0 && segment.startsWith("$")) return;
  node.deep.forEach(visit);
  const any = node.children.get(anySegment);
  if (any !== undefined) matchFrom(any, topic, depth + 1, visit);
}
