import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP proxy in front of one port that can be made to fail in chosen ways. */
export interface FaultProxy extends AsyncDisposable {
  port: number;
  /** Swallows from now on what the server sends, on every connection there is and that comes; the client's bytes still arrive. */
  swallowServerBytes(): void;
  /** Behaves again, for connections to come. */
  heal(): void;
  /** Cuts every connection. */
  cut(): void;
}

/** Starts a fault proxy on loopback and a free port. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const pairs = new Set<{ client: Socket; server: Socket; swallows: boolean }>();
  let swallow = false;
  const listener = createServer((client) => {
    const server = connect(targetPort, "127.0.0.1");
    const pair = { client, server, swallows: swallow };
    pairs.add(pair);
    client.pipe(server);
    server.on("data", (chunk: Buffer) => {
      if (!pair.swallows) client.write(chunk);
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      // A reset on one side is the fault under test; it is passed on as an end.
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => {
    for (const { client, server } of pairs) {
      client.destroy();
      server.destroy();
    }
  };
  return {
    port: (listener.address() as AddressInfo).port,
    swallowServerBytes() {
      swallow = true;
      for (const pair of pairs) pair.swallows = true;
    },
    heal() {
      swallow = false;
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      listener.close();
      await once(listener, "close");
    },
  };
}
