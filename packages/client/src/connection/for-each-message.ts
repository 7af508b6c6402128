/** A stream that can call back by itself, as iterators will in time. */
export interface MessageSource<Message> {
  /** Calls back with each message as soon as it is there. Resolves at the end; rejects when that is an error. */
  forEach(onMessage: (message: Message) => void): Promise<void>;
}

/**
 * Calls back with each message of a stream and resolves at its end. Where the stream can do that by itself, a message
 * costs no promise, and whoever waits for what is in it waits for no turn of them.
 */
export async function forEachMessage<Message>(
  stream: AsyncIterator<Message> & Partial<MessageSource<Message>>,
  onMessage: (message: Message) => void,
): Promise<void> {
  if (stream.forEach !== undefined) return await stream.forEach(onMessage);
  for (let next = await stream.next(); next.done !== true; next = await stream.next()) onMessage(next.value);
}
