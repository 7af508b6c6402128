const clock = new Intl.DateTimeFormat("en-GB", {
  hourCycle: "h23",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** The local time of day, to the millisecond. */
export function timeOfDay(epochMs: number): string {
  return clock.format(epochMs);
}
