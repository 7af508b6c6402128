/** What the command's exit code says. The numbers are part of the command's interface. */
export const exitCode = {
  /** It was done. */
  ok: 0,
  /** It was tried, and it failed. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was tried. */
  usage: 2,
  /** No bridge answers. EX_UNAVAILABLE of sysexits.h. */
  unreachable: 69,
} as const;
