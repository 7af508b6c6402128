/** How many bars the rule looks at. */
export const lookback = 10;

/** A price this near to its average says nothing. */
const band = 0.02;
/** What a trade of full size costs. */
const capitalUsd = 10_000;
/** Full size is for shares that move at most so much a month; the wilder a share, the smaller the trade. */
const calmVolatility = 0.05;
/** A distance from the average that leaves no doubt. */
const certainDistance = 0.25;

export interface Decision {
  readonly action: "BUY" | "SELL" | "HOLD";
  /** From 0 to 1. */
  readonly confidence: number;
  readonly sizeUsd: number;
  readonly reason: string;
}

/**
 * Follows the trend: buys what is more than 2 % above its ten-month average, sells what is more than 2 % below, and
 * sizes the trade by volatility.
 */
export function decide(price: number, average: number, volatility: number): Decision {
  const distance = price / average - 1;
  const side = distance > 0 ? "above" : "below";
  return {
    action: distance > band ? "BUY" : distance < -band ? "SELL" : "HOLD",
    confidence: Math.min(1, Math.abs(distance) / certainDistance),
    sizeUsd: Math.round(capitalUsd * Math.min(1, calmVolatility / volatility)),
    reason: `${price} is ${(Math.abs(distance) * 100).toFixed(1)} % ${side} its ${lookback}-month average`,
  };
}
