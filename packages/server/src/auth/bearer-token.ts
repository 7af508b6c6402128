import type { Presented } from "../domain/access/authenticator.ts";

/** The token of `authorization: Bearer …`. https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
export function bearerToken({ header }: Presented): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(header.get("authorization") ?? "")?.[1];
}
