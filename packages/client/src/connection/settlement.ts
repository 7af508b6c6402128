/** How the handling of an event ended, or that it goes on. */
export type Settlement =
  | { readonly verdict: "acknowledge" }
  | { readonly verdict: "retry"; readonly delayMs: number }
  | { readonly verdict: "terminate"; readonly reason: string }
  | { readonly verdict: "working" };

export const acknowledged: Settlement = { verdict: "acknowledge" };
