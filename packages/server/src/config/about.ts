import { z } from "zod";

/** What the command line and the documentation say of a setting. */
export interface About {
  readonly flag: string;
  /** The variable. Default: made of the flag. */
  readonly env?: string;
  readonly description: string;
  /** What stands for the value in help texts. */
  readonly placeholder: string;
  readonly isPath?: boolean;
}

/** Where each setting's schema finds what is said of it. */
export const about: z.core.$ZodRegistry<About> = z.registry<About>();
