/** Does something for every item, for so many at a time. `ask` never rejects. */
export async function askInTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  ask: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await ask(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
