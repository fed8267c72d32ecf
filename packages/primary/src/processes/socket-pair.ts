import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Two sockets that are each other's ends, as `socketpair` makes them. Node's HTTP/2 needs real ones: over any other stream it ends
 * the process with an internal assertion when the stream ends at a bad moment.
 */
export async function socketPair(): Promise<[Socket, Socket]> {
  // mkdtemp makes it for nobody else, so that nobody else can connect.
  const folder = await mkdtemp(join(tmpdir(), "sallyport-pair-"));
  const server = createServer();
  try {
    server.listen(join(folder, "s"));
    await once(server, "listening");
    const one = connect(join(folder, "s"));
    const [other] = (await once(server, "connection")) as [Socket];
    return [one, other];
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
