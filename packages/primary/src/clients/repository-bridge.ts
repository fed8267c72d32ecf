import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { dirname, join } from "node:path";
import type { Socket } from "node:net";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { limits } from "../limits.ts";

/** What a bridge serves, and how. */
export interface RepositoryBridgeOptions {
  /** What comes from the client, and what goes to it. */
  socket: Socket;
  /** The repository's folder on this machine. */
  repository: string;
  /** `append`: the client may add to it; `read`: not even that. Nothing that is there can be changed or removed either way. */
  access: "append" | "read";
}

const filePattern = /^\/(data|index|keys|locks|snapshots)\/([0-9a-f]{64})$/;
const listPattern = /^\/(data|index|keys|locks|snapshots)\/$/;
const listType = "application/vnd.x.restic.rest.v2";
/** What a client may add; keys and the configuration are the primary's alone. */
const appendable = new Set(["data", "index", "locks", "snapshots"]);

/**
 * Serves a repository of restic to a client over one connection: restic's REST protocol (version 2) on HTTP/2, as its rclone
 * backend speaks it. What is added is stored only when its name is the hash of its content, and durably before it is
 * acknowledged. The only files that a client can remove are the locks that it made over this connection, and those go
 * with it.
 */
export class RepositoryBridge {
  /** Whether the client's restic has spoken. */
  begun = false;
  /** Whether the disk was full. */
  isFull = false;
  readonly #options: RepositoryBridgeOptions;
  readonly #session: http2.ServerHttp2Session;
  readonly #locks = new Set<string>();
  readonly #working = new Set<Promise<void>>();

  constructor(options: RepositoryBridgeOptions) {
    this.#options = options;
    this.#session = http2.performServerHandshake(options.socket, {
      settings: { maxConcurrentStreams: limits.maxBridgeStreams, initialWindowSize: 1024 * 1024 },
    });
    // How the connection ended is told by ssh.
    this.#session.on("error", () => {});
    this.#session.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      this.begun = true;
      stream.on("error", () => {});
      const work: Promise<void> = this.#answer(stream, headers)
        .catch((error: NodeJS.ErrnoException) => this.#fail(stream, error))
        .finally(() => this.#working.delete(work));
      this.#working.add(work);
    });
  }

  /** Ends it, and removes the locks that the client has left. */
  async close(): Promise<void> {
    this.#session.destroy();
    await Promise.all(this.#working);
    for (const path of this.#locks) await rm(path, { force: true });
    this.#locks.clear();
  }

  #fail(stream: ServerHttp2Stream, error: NodeJS.ErrnoException): void {
    const isFull = error.code === "ENOSPC" || error.code === "EDQUOT";
    this.isFull ||= isFull;
    if (stream.destroyed || stream.headersSent) stream.destroy();
    else respond(stream, error.code === "ENOENT" ? 404 : isFull ? 507 : 500);
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const method = headers[":method"] ?? "";
    const path = (headers[":path"] ?? "").split("?")[0] ?? "";
    const { repository } = this.#options;
    const [, listed] = listPattern.exec(path) ?? [];
    if (listed !== undefined) return method === "GET" ? this.#list(stream, listed) : respond(stream, 403);
    const [, kind = "", name = ""] = filePattern.exec(path) ?? [];
    if (kind === "" && path !== "/config") return respond(stream, 404);
    const file =
      kind === ""
        ? join(repository, "config")
        : kind === "data"
          ? join(repository, kind, name.slice(0, 2), name)
          : join(repository, kind, name);
    switch (method) {
      case "HEAD":
        return respond(stream, 200, { "content-length": (await stat(file)).size });
      case "GET":
        return read(stream, file, headers["range"]);
      case "POST":
        if (this.#options.access === "read" || !appendable.has(kind)) return respond(stream, 403);
        // A lock that is there already, of the primary or of another connection, does not become the client's by being sent again.
        if (kind === "locks" && existsSync(file)) return respond(stream, 403);
        await this.#store(stream, file, name);
        if (kind === "locks") this.#locks.add(file);
        return respond(stream, 200);
      case "DELETE":
        if (!this.#locks.has(file)) return respond(stream, 403);
        await rm(file, { force: true });
        this.#locks.delete(file);
        return respond(stream, 200);
      default:
        return respond(stream, 405);
    }
  }

  async #list(stream: ServerHttp2Stream, kind: string): Promise<void> {
    const folder = join(this.#options.repository, kind);
    const folders = kind === "data" ? (await readdir(folder)).map((name) => join(folder, name)) : [folder];
    const files: { name: string; size: number }[] = [];
    for (const one of folders) {
      for (const name of await readdir(one)) {
        if (!/^[0-9a-f]{64}$/.test(name)) continue;
        // It may have been a lock that has gone meanwhile.
        const found = await stat(join(one, name)).catch(() => undefined);
        if (found !== undefined) files.push({ name, size: found.size });
      }
    }
    stream.respond({ ":status": 200, "content-type": listType });
    stream.end(JSON.stringify(files));
  }

  async #store(stream: ServerHttp2Stream, file: string, name: string): Promise<void> {
    const temporary = join(dirname(file), `${randomUUID()}.tmp`);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const hash = createHash("sha256");
    let bytes = 0;
    const check = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(bytes > limits.maxBridgeFileBytes ? new Error("too large") : null, chunk);
      },
    });
    try {
      await pipeline(stream, check, createWriteStream(temporary, { mode: 0o600, flush: true }));
      if (hash.digest("hex") !== name) throw new Error("the content is not what its name says");
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
    await using folder = await open(dirname(file));
    await folder.sync();
  }
}

async function read(stream: ServerHttp2Stream, file: string, range: string | undefined): Promise<void> {
  const { size } = await stat(file);
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? "") ?? [];
  const start = Number(first ?? 0);
  const end = Math.min(last === undefined || last === "" ? size - 1 : Number(last), size - 1);
  if (start > end) return respond(stream, 416);
  stream.respond({ ":status": first === undefined ? 200 : 206, "content-length": end - start + 1 });
  await pipeline(createReadStream(file, { start, end }), stream);
}

function respond(stream: ServerHttp2Stream, status: number, headers: Record<string, number> = {}): void {
  stream.respond({ ":status": status, ...headers }, { endStream: true });
}
