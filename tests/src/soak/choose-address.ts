import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections, one of which could take it while the bridge is down. */
const firstPort = 20_000;
const ports = 12_000;

/** An address on which a bridge can listen again and again. */
export async function chooseAddress(): Promise<string> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * ports);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return `127.0.0.1:${port}`;
  }
}
