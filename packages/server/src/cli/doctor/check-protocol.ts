import { connect as connectPlain, isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Finding, failed, ok, type Patient } from "./finding.ts";

/** What a client of HTTP/2 says first: its preface and empty SETTINGS (RFC 9113, 3.4). */
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** Does it speak HTTP/2, and is it of one mind with us about TLS? */
export async function checkProtocol(patient: Patient): Promise<Finding> {
  const { port, tls } = patient.target;
  if (tls) return await checkTls(patient);
  const speaks = await listenPlain(patient);
  if (speaks === "HTTP/2") return ok("it speaks HTTP/2 without TLS");
  if (speaks === "HTTP/1") {
    return failed(
      `port ${port} belongs to a web server that speaks HTTP/1.1 only`,
      "Something other than a bridge uses this port. Look up the bridge's port, or start one on another.",
    );
  }
  if ((await shakeHands(patient, false)).secured) {
    return failed(`port ${port} speaks TLS, and it was spoken to without`, `Use --address ${secureAddress(patient)}`);
  }
  return failed(
    speaks === "nothing" ? "it accepts the connection and says nothing" : "it does not speak HTTP/2",
    "Something other than a bridge uses this port. Look up the bridge's port, or start one on another.",
  );
}

async function checkTls(patient: Patient): Promise<Finding> {
  const { port, origin, host } = patient.target;
  const { secured, protocol, code = "" } = await shakeHands(patient, true);
  if (secured && protocol === "h2") return ok("it speaks HTTP/2 over TLS, and its certificate is trusted");
  if (secured) {
    return failed(
      `port ${port} speaks TLS, and no HTTP/2`,
      "Something other than a bridge uses this port, or a proxy before the bridge must be told to pass HTTP/2 on.",
    );
  }
  if ((await listenPlain(patient)) !== "nothing" && !(await shakeHands(patient, false)).secured) {
    return failed(
      `port ${port} does not speak TLS (${code})`,
      `Use --address ${origin.replace("https:", "http:")} without --tls-ca, or start the bridge with --tls-cert and --tls-key.`,
    );
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return failed(`its certificate is not for ${host}`, "Use the host name that the certificate was made for.");
  }
  if (code === "CERT_HAS_EXPIRED") return failed("its certificate has expired", "Renew the bridge's certificate.");
  return failed(
    `its certificate is not trusted (${code})`,
    "Name the file of the certificate, or of the authority that signed it, with --tls-ca.",
  );
}

function secureAddress({ target }: Patient): string {
  return `${target.origin.replace("http:", "https:")}, with --tls-ca if its certificate is your own.`;
}

/** Who answers when the preface is sent in plain text. */
function listenPlain({ target, runtime, timeoutMs }: Patient): Promise<"HTTP/2" | "HTTP/1" | "nothing" | "something"> {
  return new Promise((resolve) => {
    const socket = connectPlain({ host: target.host, port: target.port });
    let heard: Buffer = Buffer.alloc(0);
    const end = (): void => {
      timer.cancel();
      socket.destroy();
      resolve(recognize(heard));
    };
    const timer = runtime.setTimer(end, timeoutMs);
    socket.on("data", (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      if (heard.length >= 9) end();
    });
    socket.once("error", end);
    socket.once("end", end);
    socket.write(preface);
  });
}

function recognize(heard: Buffer): "HTTP/2" | "HTTP/1" | "nothing" | "something" {
  if (heard.length === 0) return "nothing";
  if (heard.subarray(0, 7).toString("latin1") === "HTTP/1.") return "HTTP/1";
  // The first frame is SETTINGS (type 4) on stream 0.
  const isSettings = heard.length >= 9 && heard[3] === 4 && heard.readUInt32BE(5) === 0;
  return isSettings ? "HTTP/2" : "something";
}

interface Handshake {
  readonly secured: boolean;
  /** What both agreed to speak. */
  readonly protocol?: string | undefined;
  readonly code?: string;
}

function shakeHands({ target, credentials, runtime, timeoutMs }: Patient, verify: boolean): Promise<Handshake> {
  const { host, port } = target;
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls({
      host,
      port,
      rejectUnauthorized: verify,
      ALPNProtocols: ["h2", "http/1.1"],
      // A server name is never an IP address (RFC 6066, 3).
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...credentials,
    });
    const end = (handshake: Handshake): void => {
      timer.cancel();
      socket.destroy();
      resolve(handshake);
    };
    const timer = runtime.setTimer(() => end({ secured: false, code: "ETIMEDOUT" }), timeoutMs);
    socket.once("secureConnect", () => end({ secured: true, protocol: socket.alpnProtocol || undefined }));
    socket.on("error", (error: NodeJS.ErrnoException) => end({ secured: false, code: error.code ?? error.message }));
  });
}
