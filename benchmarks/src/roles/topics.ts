/** Where receivers confirm what has come: through the same bridge, so that all peers have the same window. */
export const acksTopic = "bench.acks";

export function eventTopics(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `bench.events.t${index}`);
}
