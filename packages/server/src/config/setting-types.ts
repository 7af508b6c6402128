import { z } from "zod";
import { parseAddress } from "../listener/address.ts";
import { createAddressList } from "../listener/peer-key.ts";
import { parseHostList } from "../tools/host-list.ts";

/** Longer would be a mistake of units: a day. */
const maxDurationMs = 86_400_000;

/** A whole number, from 1 on unless 0 means something. */
export function whole(maximum: number, defaultValue: number, minimum = 1): z.ZodType<number> {
  return z.int().min(minimum).max(maximum).default(defaultValue);
}

/** A duration in milliseconds. */
export function durationMs(defaultMs: number, minimumMs = 1): z.ZodType<number> {
  return whole(maxDurationMs, defaultMs, minimumMs);
}

/** A file or folder. */
export function path(): z.ZodString {
  return z.string().min(1);
}

/** Hosts as in an allow list. */
export function hosts(): z.ZodType<string[]> {
  return z.array(z.string()).superRefine(hostList).default([]);
}

/** Addresses and networks of them. */
export function networks(defaultValue: string[]): z.ZodType<string[]> {
  return z.array(z.string()).superRefine(addressList).default(defaultValue);
}

function addressList(entries: string[], context: z.RefinementCtx): void {
  try {
    createAddressList(entries);
  } catch {
    context.addIssue({ code: "custom", message: "addresses and networks such as 10.0.0.0/8 or 2001:db8::/32" });
  }
}

function hostList(entries: string[], context: z.RefinementCtx): void {
  try {
    parseHostList("hosts", entries);
  } catch {
    context.addIssue({ code: "custom", message: "hosts such as example.com, *.example.com or example.com:8443" });
  }
}

/** Refuses what is no host and port. */
export function address(text: string, context: z.RefinementCtx): void {
  try {
    parseAddress(text);
  } catch {
    context.addIssue({ code: "custom", message: "host:port, such as localhost:50051, [::1]:50051 or 0.0.0.0:50051" });
  }
}
