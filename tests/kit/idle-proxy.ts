import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Clock, Timer } from "@sallyport/nbwss";

/** A TCP proxy that has an idle timer, as NAT, firewalls and load balancers do. */
export interface IdleProxy extends AsyncDisposable {
  port: number;
  /** The timer of connections to come, ms. */
  idleMs: number;
}

/** How such a proxy is. */
export interface IdleProxyOptions {
  targetPort: number;
  /** So long without a byte in either direction, ms by the clock, and it forgets the connection. */
  idleMs: number;
  clock: Clock;
  /** `cut`: both ends are told; `forget`: nobody is, and what comes later is swallowed. */
  manner: "cut" | "forget";
}

/** Starts an idle proxy on loopback and a free port. */
export async function startIdleProxy(options: IdleProxyOptions): Promise<IdleProxy> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(options.targetPort, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
    join(client, server, { ...options, idleMs: proxy.idleMs });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const proxy: IdleProxy = {
    idleMs: options.idleMs,
    port: (listener.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, "close");
    },
  };
  return proxy;
}

function join(client: Socket, server: Socket, { idleMs, clock, manner }: IdleProxyOptions): void {
  let timer: Timer | undefined;
  let isForgotten = false;
  const cut = () => {
    timer?.cancel();
    client.destroy();
    server.destroy();
  };
  const seen = () => {
    timer?.cancel();
    timer = clock.after(idleMs, () => {
      isForgotten = true;
      if (manner === "cut") cut();
    });
  };
  const ways: [Socket, Socket][] = [
    [client, server],
    [server, client],
  ];
  for (const [from, to] of ways) {
    from.on("data", (chunk: Buffer) => {
      if (isForgotten || to.destroyed) return;
      seen();
      to.write(chunk);
    });
    // A reset of one end is an end.
    from.on("error", () => {});
    from.on("close", () => {
      if (!isForgotten) cut();
    });
  }
  seen();
}
