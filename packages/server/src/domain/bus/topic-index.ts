import { anyDepth, anySegment } from "@loom-bridge/protocol";

/** Values of one filter. Most filters have one, and a set takes five times as much memory. */
interface Values<Value> {
  one: Value | undefined;
  more: Set<Value> | undefined;
}

/** Most nodes have one of these. */
interface Node<Value> {
  children: Map<string, Node<Value>> | undefined;
  /** Values whose filter ends here. */
  exact: Values<Value> | undefined;
  /** Values whose filter ends here with "**". */
  deep: Values<Value> | undefined;
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
        node.deep = withValue(node.deep, value);
        return;
      }
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = createNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    node.exact = withValue(node.exact, value);
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
  return { children: undefined, exact: undefined, deep: undefined };
}

function isUnused({ children, exact, deep }: Node<unknown>): boolean {
  return children === undefined && exact === undefined && deep === undefined;
}

function withValue<Value>(values: Values<Value> | undefined, value: Value): Values<Value> {
  if (values === undefined) return { one: value, more: undefined };
  if (values.one !== value) {
    values.more ??= new Set();
    values.more.add(value);
  }
  return values;
}

/** Returns nothing when it was the last. */
function withoutValue<Value>(values: Values<Value> | undefined, value: Value): Values<Value> | undefined {
  if (values?.one !== value) {
    values?.more?.delete(value);
    return values;
  }
  for (const next of values.more ?? []) {
    values.more?.delete(next);
    values.one = next;
    return values;
  }
  return undefined;
}

function visitAll<Value>(values: Values<Value> | undefined, visit: (value: Value) => void): void {
  if (values === undefined) return;
  visit(values.one as Value);
  values.more?.forEach(visit);
}

function removeFrom<Value>(node: Node<Value>, filter: readonly string[], depth: number, value: Value): void {
  const segment = filter[depth];
  if (segment === undefined) {
    node.exact = withoutValue(node.exact, value);
  } else if (segment === anyDepth) {
    node.deep = withoutValue(node.deep, value);
  } else {
    const child = node.children?.get(segment);
    if (child === undefined) return;
    removeFrom(child, filter, depth + 1, value);
    if (!isUnused(child)) return;
    node.children?.delete(segment);
    if (node.children?.size === 0) node.children = undefined;
  }
}

function matchFrom<Value>(
  node: Node<Value>,
  topic: readonly string[],
  depth: number,
  visit: (value: Value) => void,
): void {
  const segment = topic[depth];
  if (segment === undefined) return visitAll(node.exact, visit);
  const child = node.children?.get(segment);
  if (child !== undefined) matchFrom(child, topic, depth + 1, visit);
  // Whoever asks for everything is not sent what the bridge says of itself.
  if (depth === 0 && segment.startsWith("$")) return;
  visitAll(node.deep, visit);
  const any = node.children?.get(anySegment);
  if (any !== undefined) matchFrom(any, topic, depth + 1, visit);
}
