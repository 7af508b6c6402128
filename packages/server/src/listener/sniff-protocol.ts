import type { Socket } from "node:net";

/** https://www.rfc-editor.org/rfc/rfc9113#section-3.4 */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Reads what a client says first, tells which protocol it speaks and puts the bytes back. Node has HTTP/1.1 and
 * HTTP/2 on one port only for TLS. Says nothing while the client is silent: its owner must set the deadline.
 */
export function sniffProtocol(socket: Socket, decide: (protocol: "h1" | "h2") => void): void {
  let head: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const compared = Math.min(head.length, preface.length);
    const matches = preface.compare(head, 0, compared, 0, compared) === 0;
    if (matches && compared < preface.length) return;
    socket.off("data", read);
    socket.pause();
    socket.unshift(head);
    decide(matches ? "h2" : "h1");
  };
  socket.on("data", read);
}
