import { randomUUID } from "node:crypto";
import type { EndpointDetails } from "@sallyport/conformance";
import { WebSocket } from "ws";

/** What a primary of a test does wrong; without any it keeps every rule that the conformance suite knows. */
export type PrimaryFault =
  | "never-dials"
  | "dials-twice"
  | "answers-first"
  | "gives-another-token"
  | "writes-lower-case-ids"
  | "writes-milliseconds"
  | "notifies-before-the-verdict"
  | "serves-before-the-verdict"
  | "takes-any-verdict"
  | "stays-when-refused"
  | "gives-up-when-refused"
  | "never-comes-back"
  | "never-reads"
  | "never-closes"
  | "closes-with-1000"
  | "reads-bad-utf8"
  | "reads-compact-json-only"
  | "reads-upper-case-only"
  | "refuses-unknown-members"
  | "refuses-old-times"
  | "answers-nothing"
  | "answers-plain-calls-only"
  | "answers-under-new-ids"
  | "answers-twice"
  | "answers-200"
  | "closes-on-foreign-paths"
  | "writes-header-names-as-they-are"
  | "writes-headers-as-a-list"
  | "writes-other-members"
  | "dies-of-unknown-acknowledgements"
  | "notifies-nonsense"
  | "never-sends-again"
  | "sends-again-under-new-ids"
  | "forgets-with-the-connection"
  | "reads-plain-acknowledgements-only"
  | "ignores-late-acknowledgements"
  | "dies-of-repeated-acknowledgements"
  | "answers-no-ping"
  | "dies-of-unasked-pongs"
  | "sends-no-ping"
  | "sends-binary"
  | "masks-nothing";

interface Value {
  version?: string;
  id: string;
  type?: string;
  subType?: string;
  timeStamp?: number;
  payload?: unknown;
}

interface Command {
  uri: string;
  method: string;
  headers: Record<string, string>;
  parameters?: string;
}

const pingMs = 100;
const resendMs = 150;
const lateMs = 40;

/** Starts a primary of raw `ws`, with faults, that dials what the details name. It is stopped by disposing of it. */
export function startFaultyPrimary(details: EndpointDetails, ca: string, faults: PrimaryFault[]) {
  const primary = new FaultyPrimary(details, ca, faults);
  if (!faults.includes("never-dials")) primary.dial();
  if (faults.includes("dials-twice")) primary.dial();
  return primary;
}

class FaultyPrimary implements Disposable {
  readonly #details: EndpointDetails;
  readonly #ca: string;
  readonly #faults: readonly PrimaryFault[];
  readonly #sockets = new Set<WebSocket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopped = false;
  #jobId = 1;
  #owed: { id: string; jobId: number; sentAtMs: number } | undefined;
  readonly #acknowledged = new Set<string>();

  constructor(details: EndpointDetails, ca: string, faults: readonly PrimaryFault[]) {
    this.#details = details;
    this.#ca = ca;
    this.#faults = faults;
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.terminate();
  }

  dial(): void {
    if (this.#isStopped) return;
    const has = (fault: PrimaryFault) => this.#faults.includes(fault);
    const socket = new WebSocket(this.#details.url, {
      ca: this.#ca,
      autoPong: !has("answers-no-ping"),
      skipUTF8Validation: has("reads-bad-utf8"),
      maxPayload: has("never-closes") ? 0 : 8 * 1024 * 1024,
    });
    this.#sockets.add(socket);
    // `close` follows.
    socket.on("error", () => {});
    const connection = new Connection(socket, has, {
      token: has("gives-another-token") ? "another" : this.#details.token,
      owed: () => (this.#owed ??= { id: newId(), jobId: this.#jobId++, sentAtMs: 0 }),
      acknowledged: (id) => this.#settle(id),
      every: (ms, run) => {
        const timer = setInterval(run, ms);
        this.#timers.add(timer);
        socket.once("close", () => clearInterval(timer));
      },
    });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (has("forgets-with-the-connection")) this.#owed = undefined;
      if (has("never-comes-back") || (has("gives-up-when-refused") && connection.wasRefused)) return;
      this.#timers.add(setTimeout(() => this.dial(), 5));
    });
  }

  #settle(id: string): "now" | "before" | "never sent" {
    const key = id.toUpperCase();
    if (this.#owed?.id === key) {
      this.#acknowledged.add(key);
      this.#owed = undefined;
      return "now";
    }
    return this.#acknowledged.has(key) ? "before" : "never sent";
  }
}

interface Owner {
  token: string;
  owed(): { id: string; jobId: number; sentAtMs: number };
  acknowledged(id: string): "now" | "before" | "never sent";
  every(ms: number, run: () => void): void;
}

class Connection {
  wasRefused = false;
  readonly #socket: WebSocket;
  readonly #has: (fault: PrimaryFault) => boolean;
  readonly #owner: Owner;
  readonly #connectId: string;
  #isEstablished = false;
  #missed = 0;

  constructor(socket: WebSocket, has: (fault: PrimaryFault) => boolean, owner: Owner) {
    this.#socket = socket;
    this.#has = has;
    this.#owner = owner;
    this.#connectId = has("writes-lower-case-ids") ? newId().toLowerCase() : newId();
    socket.on("open", () => {
      if (has("answers-first"))
        this.#send("COMMAND RESPONSE", newId(), { status: 200, headers: {}, body: "" });
      this.#send("CONNECT REQUEST", this.#connectId, { token: owner.token });
      if (has("notifies-before-the-verdict")) this.#notify();
    });
    socket.on("message", (data, isBinary) => this.#receive((data as Buffer).toString(), isBinary));
    socket.on("pong", (payload) => {
      this.#missed = 0;
      if (has("dies-of-unasked-pongs") && payload.length > 0) socket.terminate();
    });
    socket.on("ping", () => (this.#missed = 0));
  }

  #send(name: string, id: string, payload: unknown): void {
    const [type, subType] = name.split(" ");
    const now = Date.now();
    const timeStamp = this.#has("writes-milliseconds") ? now : Math.floor(now / 1000);
    const isMasked = !(this.#has("masks-nothing") && name === "COMMAND RESPONSE");
    const text = JSON.stringify({ version: "1.0", id, type, subType, timeStamp, payload });
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text, { mask: isMasked });
  }

  #close(code: number): void {
    if (!this.#has("never-closes")) this.#socket.close(this.#has("closes-with-1000") ? 1000 : code);
  }

  #receive(text: string, isBinary: boolean): void {
    this.#missed = 0;
    if (isBinary) return this.#close(1003);
    const value = parse(text);
    if (value === undefined) return this.#close(1007);
    if (this.#has("reads-compact-json-only") && text !== compact(value)) return this.#close(1007);
    if (this.#has("reads-upper-case-only") && value.id !== value.id.toUpperCase()) return;
    if (this.#has("refuses-old-times") && value.timeStamp === 0) return this.#close(1008);
    const known = ["version", "id", "type", "subType", "timeStamp", "payload"];
    if (this.#has("refuses-unknown-members") && Object.keys(value).some((key) => !known.includes(key)))
      return this.#close(1008);
    if (value.version !== "1.0") return this.#close(1008);
    const name = `${value.type} ${value.subType}`;
    if (name === "CONNECT RESPONSE" && !this.#isEstablished) return this.#onVerdict(value);
    const isCommand = name === "COMMAND REQUEST";
    if (isCommand && (this.#isEstablished || this.#has("serves-before-the-verdict")))
      return this.#onCommand(value);
    if (name === "NOTIFICATION RESPONSE" && this.#isEstablished) return this.#onAcknowledgement(value, text);
    this.#close(1008);
  }

  #onVerdict({ id, payload }: Value): void {
    if (id.toUpperCase() !== this.#connectId.toUpperCase() && !this.#has("takes-any-verdict"))
      return this.#close(1008);
    if ((payload as { valid: unknown }).valid !== true) {
      this.wasRefused = true;
      if (!this.#has("stays-when-refused")) this.#socket.close(1000);
      return;
    }
    this.#isEstablished = true;
    this.#notify();
    if (!this.#has("never-sends-again")) this.#owner.every(resendMs, () => this.#notify());
    if (this.#has("sends-no-ping")) return;
    this.#owner.every(pingMs, () => {
      this.#missed += 1;
      if (this.#missed > 3) this.#socket.terminate();
      else this.#socket.ping();
    });
  }

  #notify(): void {
    const owed = this.#owner.owed();
    owed.sentAtMs = performance.now();
    const { jobId } = owed;
    const job = {
      jobId,
      parentJobId: jobId,
      jobType: "BACKUP",
      state: "DONE",
      status: 0,
      policyName: "",
      policyType: "STANDARD",
      scheduleType: "ST_FULL",
      clientName: "c",
      startTime: 1,
    };
    const item = this.#has("notifies-nonsense") ? { jobId: String(jobId) } : job;
    const id = this.#has("sends-again-under-new-ids") ? newId() : owed.id;
    this.#send("NOTIFICATION REQUEST", id, [{ notificationType: "INFO", object: "JOB", data: [item] }]);
  }

  #onAcknowledgement(value: Value, text: string): void {
    if (this.#has("reads-plain-acknowledgements-only") && text !== compact({ ...value, payload: [] })) return;
    const isLate = performance.now() - this.#owner.owed().sentAtMs > lateMs;
    if (this.#has("ignores-late-acknowledgements") && isLate) return;
    const settled = this.#owner.acknowledged(value.id);
    if (settled === "never sent" && this.#has("dies-of-unknown-acknowledgements")) this.#socket.terminate();
    if (settled === "before" && this.#has("dies-of-repeated-acknowledgements")) this.#socket.terminate();
    if (settled === "now" && !this.#has("never-sends-again")) this.#notify();
  }

  #onCommand({ id, payload }: Value): void {
    const command = payload as Partial<Command>;
    const { uri, method, headers } = command;
    if (uri === undefined || method === undefined || headers === undefined) return this.#close(1008);
    const isPlain = method === "GET" && !uri.includes("?") && Object.keys(headers).length > 0;
    if (this.#has("answers-nothing") || (this.#has("answers-plain-calls-only") && !isPlain)) return;
    if (this.#has("closes-on-foreign-paths") && !uri.startsWith("/netbackup/")) return this.#close(1008);
    const status = this.#has("answers-200") ? 200 : statusOf(command as Command);
    const answered = this.#has("answers-under-new-ids") ? newId() : id;
    if (this.#has("sends-binary")) this.#socket.send(Buffer.from("{}"), { binary: true });
    const asList = this.#has("writes-headers-as-a-list");
    const name = this.#has("writes-header-names-as-they-are") ? "Content-Type" : "content-type";
    const answer = {
      headers: asList ? [{ name, value: "application/json" }] : { [name]: "application/json" },
      ...(this.#has("writes-other-members") ? { statusCode: status, response: {} } : { status, body: "{}" }),
    };
    for (let n = this.#has("answers-twice") ? 2 : 1; n > 0; n -= 1)
      this.#send("COMMAND RESPONSE", answered, answer);
    if (this.#has("never-reads")) this.#socket.pause();
  }
}

function newId(): string {
  return randomUUID().toUpperCase();
}

/** What a NetBackup's REST API would answer. */
function statusOf({ uri, method, headers, parameters = "" }: Command): number {
  if (!uri.startsWith("/netbackup/") || /\.\.|%2e/i.test(uri)) return 403;
  if (Object.values(headers).some((value) => /[\r\n]/.test(value))) return 502;
  if (uri.startsWith("/netbackup/admin/")) return 401;
  if (uri === "/netbackup/login") return parameters.length > 100_000 ? 413 : 401;
  return method === "GET" && uri.startsWith("/netbackup/ping") ? 200 : 404;
}

/** Reads a message, unless it is no object or nests too deep. */
function parse(text: string): Value | undefined {
  if (text.includes("[".repeat(65))) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Value) : undefined;
  } catch {
    return undefined;
  }
}

/** As `JSON.stringify` writes a message whose members stand in the usual order. */
function compact({ version, id, type, subType, timeStamp, payload }: Value): string {
  return JSON.stringify({ version, id: id.toUpperCase(), type, subType, timeStamp, payload });
}
