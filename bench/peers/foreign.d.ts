// The parts of the peers' packages that the bench uses. They are installed only when the bench runs (see README.md), so `npm run check` has no types of theirs.
declare module "fastify" {
  export function fastify(options: object): {
    register(plugin: unknown, options: object): Promise<void>;
    listen(options: { host: string; port: number }): Promise<string>;
    server: { address(): { port: number } | string | null };
  };
}
declare module "@fastify/http-proxy" {
  const proxy: unknown;
  export default proxy;
}
declare module "socket.io" {
  export interface Socket {
    emitWithAck(event: string, value: unknown): Promise<unknown>;
  }
  export class Server {
    constructor(server: unknown, options: object);
    on(event: "connection", listener: (socket: Socket) => void): void;
  }
}
declare module "socket.io-client" {
  export function io(
    url: string,
    options: object,
  ): { on(event: string, listener: (...values: never[]) => void): void };
}
declare module "rpc-websockets" {
  export class Server {
    constructor(options: object);
    register(name: string, method: (parameters: never) => Promise<unknown>): void;
  }
  export class Client {
    constructor(url: string, options: object);
    on(event: "open", listener: () => void): void;
    call(name: string, parameters: unknown): Promise<unknown>;
  }
}
declare module "nats" {
  export function JSONCodec<T>(): { encode(value: T): Uint8Array; decode(bytes: Uint8Array): T };
  export interface Message {
    data: Uint8Array;
    respond(bytes: Uint8Array): void;
  }
  export function connect(options: { servers: string }): Promise<{
    subscribe(subject: string, options: { callback: (error: unknown, message: Message) => void }): void;
    request(subject: string, bytes: Uint8Array, options: { timeout: number }): Promise<Message>;
    flush(): Promise<void>;
    jetstream(): { publish(subject: string, bytes: Uint8Array): Promise<unknown> };
    jetstreamManager(): Promise<{ streams: { add(options: object): Promise<unknown> } }>;
  }>;
  export const StorageType: { File: string };
}
declare module "redis" {
  export function createClient(options: object): {
    connect(): Promise<unknown>;
    on(event: "error", listener: (error: Error) => void): void;
    xAdd(key: string, id: string, fields: Record<string, string>): Promise<string>;
  };
}
declare module "localtunnel" {
  export default function localtunnel(
    options: object,
  ): Promise<{ tunnelCluster: { once(event: "open", listener: () => void): void } }>;
}
