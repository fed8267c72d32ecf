import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/**
 * What a proxy does to the bytes of its connections: `pass` them; `half-open`: swallow what the server sends, while the client's bytes still
 * arrive; `stall`: hold both directions back, and the news that one end is gone; `slow`: a little at a time; `corrupt`: change a byte of each
 * piece that the server sends; `refuse`: end every connection that is new.
 */
export const proxyFaults = ["pass", "half-open", "stall", "slow", "corrupt", "refuse"] as const;

/** One of them. */
export type ProxyFault = (typeof proxyFaults)[number];

/** A TCP proxy in front of one port that can be made to fail in chosen ways. */
export interface FaultProxy extends AsyncDisposable {
  port: number;
  /** How many connections lead through it now. */
  readonly connections: number;
  /** Does this from now on, to every connection there is and that comes. */
  be(fault: ProxyFault): void;
  /** Swallows from now on what the server sends: half-open. Connections that there are by then stay so after `heal`. */
  swallowServerBytes(): void;
  /** Behaves again, for connections to come. */
  heal(): void;
  /** Cuts every connection. */
  cut(): void;
}

/** A slow line gives so many bytes at a time, so often, ms. */
const slowBytes = 512;
const slowMs = 5;

/** Starts a fault proxy on loopback and a free port. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let fault: ProxyFault = "pass";
  const pairs = new Set<Pair>();
  const listener = createServer((client) => {
    if (fault === "refuse") return void client.destroy();
    const pair = new Pair(client, connect(targetPort, "127.0.0.1"), () => pairs.delete(pair));
    pair.be(fault);
    pairs.add(pair);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => {
    for (const pair of pairs) pair.cut();
  };
  const be = (next: ProxyFault) => {
    fault = next;
    for (const pair of pairs) pair.be(next);
  };
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    be,
    swallowServerBytes: () => be("half-open"),
    heal() {
      fault = "pass";
      // A connection that has lost bytes can't be mended; one that was only held back goes on.
      for (const pair of pairs) pair.release();
    },
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      listener.close();
      await once(listener, "close");
    },
  };
}

/** One connection through the proxy. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #gone: () => void;
  #fault: ProxyFault = "pass";
  #slow: NodeJS.Timeout | undefined;
  /** An end has gone while the line was stalled. */
  #hasEnded = false;

  constructor(client: Socket, server: Socket, gone: () => void) {
    this.#client = client;
    this.#server = server;
    this.#gone = gone;
    client.on("data", (chunk: Buffer) => this.#pass(server, chunk));
    server.on("data", (chunk: Buffer) => {
      if (this.#fault === "half-open") return;
      this.#pass(client, this.#fault === "corrupt" ? corrupted(chunk) : chunk);
    });
    for (const end of [client, server]) {
      // A reset on one side is the fault under test; it is passed on as an end.
      end.on("error", () => end.destroy());
      end.on("close", () => this.#ended());
    }
  }

  be(fault: ProxyFault): void {
    if (fault !== this.#fault) this.release();
    this.#fault = fault;
    clearInterval(this.#slow);
    if (fault !== "stall" && fault !== "slow") return;
    for (const end of [this.#client, this.#server]) end.pause();
    if (fault === "slow") this.#slow = setInterval(() => this.#trickle(), slowMs);
  }

  /** Gives what was held back, and goes on as before. */
  release(): void {
    if (this.#fault !== "stall" && this.#fault !== "slow") return;
    this.#fault = "pass";
    clearInterval(this.#slow);
    if (this.#hasEnded) return this.cut();
    for (const end of [this.#client, this.#server]) end.resume();
  }

  cut(): void {
    clearInterval(this.#slow);
    this.#client.destroy();
    this.#server.destroy();
    this.#gone();
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#fault !== "stall") this.cut();
  }

  #pass(to: Socket, chunk: Buffer): void {
    if (to.destroyed) return;
    to.write(chunk);
  }

  /** A paused line that is read a little comes with that as its data; what it has not read waits in the kernel. */
  #trickle(): void {
    for (const end of [this.#client, this.#server]) end.read(Math.min(slowBytes, end.readableLength));
  }
}

function corrupted(chunk: Buffer): Buffer {
  const copy = Buffer.from(chunk);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}
