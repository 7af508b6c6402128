import { generate } from "selfsigned";

let made: Promise<{ cert: string; key: string }> | undefined;

/** A certificate for localhost and 127.0.0.1, made once a process. */
export function createCertificate(): Promise<{ cert: string; key: string }> {
  made ??= make();
  return made;
}

async function make(): Promise<{ cert: string; key: string }> {
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    extensions: [
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { cert: pair.cert, key: pair.private };
}
