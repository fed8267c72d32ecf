// Both ends over real TLS and WebSockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ensureServerCertificate, type ServerCertificate } from "@sallyport/certificates";
import { WebSocket, WebSocketServer } from "ws";
import { attachEndpoint, dialEndpoint, failureAnswer } from "./index.ts";
import { ManualClock } from "./testing/index.ts";
import type {
  DialOptions,
  EndpointConnection,
  EndpointOptions,
  Move,
  NbwssError,
  NotificationRequest,
  PeerDialect,
  Rejection,
} from "./index.ts";

let dir: string;
let certificate: ServerCertificate;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-nbwss-"));
  const hostNames = ["localhost", "127.0.0.1"];
  certificate = await ensureServerCertificate({ dir, owner: "test", hostNames, nowMs: Date.now() });
});
after(() => rm(dir, { recursive: true }));

const id = "36F675CC-81E7-4EF5-A8E2-5D940ED90475";
const entry = { notificationType: "INFO", object: "JOB", data: [{ jobId: 1 }] };

/** Whether what a test dials offers `sallyport.v1`. */
let isExtended = true;

/** Makes a test of each way to speak. */
function testBothWays(name: string, run: () => Promise<void>): void {
  for (const extended of [true, false]) {
    test(`${name} (${extended ? "sallyport.v1" : "NBWSS 1.0"})`, () => {
      isExtended = extended;
      return run().finally(() => {
        isExtended = true;
      });
    });
  }
}

/** An endpoint that knows the token "good" and collects what happens. */
async function startEndpoint(options: Partial<EndpointOptions<string>> = {}) {
  const server: Server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}/nbwss`;
  const sockets = new Set<Socket>();
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const connected = Promise.withResolvers<EndpointConnection<string>>();
  const rejected = Promise.withResolvers<Rejection>();
  const notifications: NotificationRequest[] = [];
  const endpoint = attachEndpoint<string>(server, {
    authenticate: async (token) => (token === "good" ? "branch" : undefined),
    connected: connected.resolve,
    rejected: rejected.resolve,
    async notified(_connection, notification) {
      notifications.push(notification);
    },
    ...options,
  });
  return {
    url,
    endpoint,
    /** The TLS sockets there are. */
    sockets,
    connected: connected.promise,
    rejected: rejected.promise,
    notifications,
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const dial = (url: string, options: Partial<DialOptions> = {}) =>
  dialEndpoint({
    url,
    token: "good",
    tls: { ca: certificate.caPem },
    extensions: isExtended,
    execute: async (command) => ({
      status: 200,
      headers: { "x-uri": command.uri },
      body: command.parameters ?? "",
    }),
    ...options,
  });

/** What `close` said; an error before it, such as a reset, is nothing special. */
function ended(socket: WebSocket): Promise<[number, Buffer]> {
  socket.on("error", () => socket.terminate());
  return new Promise((resolve) => socket.once("close", (...what) => resolve(what)));
}

/** A peer that says just what the test tells it to. */
async function openRaw(url: string, protocols: string[] = []) {
  const socket = new WebSocket(url, protocols, { ca: certificate.caPem });
  const closed = ended(socket);
  await once(socket, "open");
  return { socket, closed };
}

/** An endpoint that accepts whoever comes and then says `first`; `answered` is the first message after CONNECT. */
async function openRawEndpoint(first: (string | Buffer)[], isExtended = true) {
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
  const acceptor = new WebSocketServer({ server, handleProtocols: () => isExtended && "sallyport.v1" });
  const answered = Promise.withResolvers<string>();
  acceptor.on("connection", (socket) => {
    socket.once("message", (data: Buffer) => {
      const { id: connectId } = JSON.parse(data.toString()) as { id: string };
      socket.send(raw("CONNECT", "RESPONSE", { valid: true }).replace(id, connectId));
      socket.once("message", (answer: Buffer) => answered.resolve(answer.toString()));
      for (const what of first) socket.send(what);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}/nbwss`,
    answered: answered.promise,
    /** Reads nothing more. */
    pause: () => acceptor.clients.forEach((client) => client.pause()),
    send: (what: string) => acceptor.clients.forEach((client) => client.send(what)),
    async [Symbol.asyncDispose]() {
      for (const client of acceptor.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const raw = (type: string, subType: string, payload: unknown) =>
  JSON.stringify({ version: "1.0", id, type, subType, timeStamp: 1, payload });

testBothWays(
  "connection - a primary with a good token connects, answers commands in any order, and is acknowledged",
  async () => {
    await using peer = await startEndpoint();
    const slow = Promise.withResolvers<void>();
    const service = await dial(peer.url, {
      async execute(command) {
        if (command.uri.endsWith("/slow")) await slow.promise;
        return { status: 200, headers: { "x-uri": command.uri }, body: command.parameters ?? "" };
      },
    });
    const connection = await peer.connected;
    assert.equal(connection.identity, "branch");
    const post = (uri: string) =>
      connection.command({ uri, method: "POST", headers: {}, parameters: `"ü\\` }, { timeoutMs: 10_000 });
    const first = post("/netbackup/slow");
    const second = await post("/netbackup/quick?a=%2F");
    assert.deepEqual(second, { status: 200, headers: { "x-uri": "/netbackup/quick?a=%2F" }, body: `"ü\\` });
    slow.resolve();
    assert.equal((await first).status, 200);

    await service.notify(id, [entry], { timeoutMs: 10_000 });
    assert.deepEqual(peer.notifications[0]?.payload, [entry]);
    await service.close();
    assert.equal((await connection.closed).code, 1000);
  },
);

test("connection - an unknown token is answered valid:false and the connection ends", async () => {
  await using peer = await startEndpoint();
  await assert.rejects(dial(peer.url, { token: "bad" }), { code: "token_refused", retryable: true });
  assert.equal((await peer.rejected).code, 1000);

  await using stubborn = await startEndpoint({ limits: { refusalTimeoutMs: 20 } });
  const { socket, closed } = await openRaw(stubborn.url);
  socket.send(raw("CONNECT", "REQUEST", { token: "bad" }));
  const [answer] = (await once(socket, "message")) as [Buffer];
  assert.deepEqual((JSON.parse(answer.toString()) as { payload: unknown }).payload, { valid: false });
  assert.equal((await closed)[0], 1008);
});

const rudeStarts: [title: string, first: string | Buffer, code: number][] = [
  ["a notification before CONNECT", raw("NOTIFICATION", "REQUEST", []), 1008],
  ["a command response before CONNECT", raw("COMMAND", "RESPONSE", {}), 1008],
  ["text that is not JSON", "{", 1007],
  ["a binary message", Buffer.from([1, 2, 3]), 1003],
  ["a message of another version", raw("CONNECT", "REQUEST", {}).replace("1.0", "9.9"), 1008],
  ["a message over the bound", "x".repeat(70_000), 1009],
];
for (const [title, first, code] of rudeStarts) {
  test(`connection - ${title} closes with ${code}, and the endpoint serves the next one`, async () => {
    await using peer = await startEndpoint({ limits: { maxMessageBytes: 65_536 } });
    const { socket, closed } = await openRaw(peer.url);
    socket.send(first);
    assert.equal((await closed)[0], code);
    await peer.rejected;
    assert.equal(peer.endpoint.unproven, 0);
    await (await dial(peer.url)).close();
  });
}

test("connection - a second CONNECT closes with 1008, text that is not UTF-8 with 1007", async () => {
  for (const [message, code] of [
    [raw("CONNECT", "REQUEST", { token: "good" }), 1008],
    [Buffer.from([0xff, 0xfe]), 1007],
  ] as const) {
    await using peer = await startEndpoint();
    const { socket, closed } = await openRaw(peer.url);
    socket.send(raw("CONNECT", "REQUEST", { token: "good" }));
    await once(socket, "message");
    socket.send(message, { binary: false });
    assert.equal((await closed)[0], code);
  }
});

test("connection - no CONNECT in time closes with 1008; too many unproven sockets are answered 503", async () => {
  await using peer = await startEndpoint({ limits: { connectTimeoutMs: 50 } });
  assert.equal((await (await openRaw(peer.url)).closed)[0], 1008);

  await using full = await startEndpoint({ limits: { maxUnproven: 1 } });
  const { socket } = await openRaw(full.url);
  await assert.rejects(dial(full.url), { code: "dial_failed", message: /503/ });
  socket.terminate();
});

test("connection - another path is answered 404, a ws:// URL and an unknown authority are refused by the primary", async () => {
  await using peer = await startEndpoint();
  await assert.rejects(dial(`${peer.url}/other`), { code: "dial_failed", message: /404/ });
  await assert.rejects(dial(peer.url.replace("wss:", "ws:")), { code: "invalid_url" });
  await assert.rejects(dial(peer.url, { tls: {} }), { code: "dial_failed", message: /certificate/ });
});

testBothWays(
  "connection - a command whose connection ends is lost, one that is given up is cancelled",
  async () => {
    await using peer = await startEndpoint();
    const started = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ended = Promise.withResolvers<void>();
    let calls = 0;
    const service = await dial(peer.url, {
      execute(_command, signal) {
        started[calls++]?.resolve();
        return new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            ended.resolve();
            reject(new Error("gone"));
          });
        });
      },
    });
    const connection = await peer.connected;
    const command = { uri: "/netbackup/ping", method: "GET", headers: {} } as const;
    const caller = new AbortController();
    const given = connection.command(command, { timeoutMs: 60_000, signal: caller.signal });
    await started[0]?.promise;
    caller.abort();
    await assert.rejects(given, { code: "cancelled" });
    const lost = connection.command(command, { timeoutMs: 60_000 });
    await started[1]?.promise;
    connection.close(1000, "superseded");
    await assert.rejects(lost, { code: "lost", message: /superseded/ });
    assert.deepEqual(await service.closed, { code: 1000, reason: "superseded" });
    await ended.promise;
    await assert.rejects(connection.command(command, { timeoutMs: 1000 }), { code: "not_established" });
    await assert.rejects(service.notify(id, [], { timeoutMs: 1000 }), { code: "not_established" });
  },
);

testBothWays(
  "connection - a call that fails is answered 502, one over the bound 503, an answer too large 502: never silence",
  async () => {
    await using peer = await startEndpoint();
    const release = Promise.withResolvers<void>();
    await using scope = new AsyncDisposableStack();
    const service = await dial(peer.url, {
      limits: { maxServing: 1, maxMessageBytes: 100_000 },
      async execute({ uri }) {
        if (uri.endsWith("/throw")) throw new Error("upstream is on fire");
        if (uri.endsWith("/big")) return { status: 200, headers: {}, body: "x".repeat(100_000) };
        await release.promise;
        return failureAnswer(403, 8000, "no");
      },
    });
    scope.defer(() => service.close());
    const connection = await peer.connected;
    const get = (uri: string) =>
      connection.command({ uri, method: "GET", headers: {} }, { timeoutMs: 10_000 });
    const broken = await get("/netbackup/throw");
    assert.deepEqual(
      [broken.status, JSON.parse(broken.body)],
      [502, { errorCode: 502, errorMessage: "the call failed: upstream is on fire", errorDetails: [] }],
    );
    // Under the extension there is no message that it would have to fit.
    assert.equal((await get("/netbackup/big")).status, isExtended ? 200 : 502);
    assert.equal((await get("https://elsewhere.example/netbackup/big")).status, 403);
    const held = get("/netbackup/hold");
    assert.equal((await get("/netbackup/more")).status, 503);
    release.resolve();
    assert.equal((await held).status, 403);
  },
);

testBothWays(
  "connection - what could not be stored is not acknowledged, and the connection goes on",
  async () => {
    let full = true;
    await using peer = await startEndpoint({
      async notified() {
        if (full) throw new Error("disk full");
      },
    });
    const service = await dial(peer.url);
    await assert.rejects(service.notify(id, [entry], { timeoutMs: 50 }), { code: "timeout" });
    full = false;
    await service.notify(id, [entry], { timeoutMs: 10_000 });
    await service.close();
  },
);

testBothWays(
  "connection - a flood of notifications makes the primary wait, and all are acknowledged",
  async () => {
    let storing = 0;
    let most = 0;
    await using peer = await startEndpoint({
      limits: { maxServing: 4 },
      async notified() {
        storing += 1;
        most = Math.max(most, storing);
        await new Promise(setImmediate);
        storing -= 1;
      },
    });
    const service = await dial(peer.url);
    const newId = (n: number) => id.slice(0, -4) + n.toString(16).padStart(4, "0").toUpperCase();
    await Promise.all(
      Array.from({ length: 500 }, (_, n) => service.notify(newId(n), [entry], { timeoutMs: 30_000 })),
    );
    assert.ok(most < 500, `${most} at once`);
    await service.close();
  },
);

testBothWays("connection - a peer that goes silent is cut, on either end", async () => {
  const limits = { pingIntervalMs: 10, maxMissedPongs: 1 };
  await using peer = await startEndpoint({ limits });
  const mute = new WebSocket(peer.url, { ca: certificate.caPem, autoPong: false });
  const muteClosed = ended(mute);
  await once(mute, "open");
  mute.send(raw("CONNECT", "REQUEST", { token: "good" }));
  assert.match((await (await peer.connected).closed).reason, /no sign of life/);
  await muteClosed;
});

test("connection - a probe asks for a sign of life at once, and a silent endpoint is the caller's to cut", async () => {
  await using peer = await startEndpoint();
  const service = await dial(peer.url);
  assert.equal(await service.probe(60_000), true);
  const before = service.silentMs;
  assert.ok(before >= 0 && before < 60_000);
  const [raw] = [...peer.sockets];
  raw?.pause();
  assert.equal(await service.probe(20), false);
  assert.equal(service.isOpen, true);
  const unanswered = service.probe(60_000);
  service.cut("it does not answer");
  assert.equal(await unanswered, false);
  assert.deepEqual(await service.closed, { code: 1006, reason: "it does not answer" });
  assert.equal(await service.probe(10), false);
  raw?.destroy();
});

test("connection - the token is sent only after what has to be done before it", async () => {
  await using peer = await startEndpoint();
  const order: string[] = [];
  const service = await dial(peer.url, {
    beforeConnect: async () => {
      order.push(`open, ${peer.sockets.size} socket`);
      await new Promise(setImmediate);
      order.push("ready");
    },
  });
  await peer.connected;
  assert.deepEqual(order, ["open, 1 socket", "ready"]);
  await service.close();
  const staying = new Error("the other one stays");
  await assert.rejects(
    dial(peer.url, { beforeConnect: () => Promise.reject(staying) }),
    (error: NbwssError) => error.code === "cancelled" && error.cause === staying,
  );
});

testBothWays("connection - the endpoint's close moves every primary with 1012", async () => {
  await using peer = await startEndpoint();
  const service = await dial(peer.url);
  await peer.connected;
  await peer.endpoint.close();
  assert.equal((await service.closed).code, 1012);
  await assert.rejects(dial(peer.url), { code: "dial_failed" });
});

test("connection - both ends know the same tracking id, also of one that is refused", async () => {
  await using peer = await startEndpoint();
  const service = await dial(peer.url);
  assert.match(service.trackingId ?? "", /^[0-9a-f-]{36}$/);
  assert.equal((await peer.connected).trackingId, service.trackingId);
  await service.close();

  const refused = await dial(peer.url, { token: "bad" }).then(
    () => assert.fail("was accepted"),
    (error: NbwssError) => error,
  );
  assert.equal(refused.code, "token_refused");
  assert.equal((await peer.rejected).trackingId, refused.trackingId);
});

test("connection - sallyport.v1 is spoken only when both ends want it", async () => {
  for (const [offers, selects] of [
    [true, true],
    [false, true],
    [true, false],
    [false, false],
  ] as const) {
    await using peer = await startEndpoint({ extensions: selects });
    const service = await dial(peer.url, { extensions: offers });
    const connection = await peer.connected;
    assert.deepEqual(
      [service.extended, connection.extended],
      [offers && selects, offers && selects],
      `${offers} ${selects}`,
    );
    assert.equal(connection.move({ delayMs: 60_000, windowMs: 0, reason: "" }), offers && selects);
    await service.notify(id, [entry], { timeoutMs: 10_000 });
    await service.close();
  }
});

test("connection - what only a later version of sallyport.v1 knows is ignored and counted at both ends, and what is malformed still closes", async () => {
  const ignored: [string, number][] = [];
  await using peer = await startEndpoint({
    ignored: (_connection, what, count) => ignored.push([what, count]),
  });
  const { socket, closed } = await openRaw(peer.url, ["sallyport.v1"]);
  socket.send(raw("CONNECT", "REQUEST", { token: "good" }));
  await once(socket, "message");
  socket.send(raw("SALLYPORT", "NOVEL", { a: 1 }));
  socket.send(Buffer.alloc(100, 0x80));
  socket.send(raw("NOTIFICATION", "REQUEST", [entry]));
  await once(socket, "message");
  assert.deepEqual(ignored, [
    ['type: there is no message "SALLYPORT" "NOVEL"', 1],
    ["there is no frame of type 128", 2],
  ]);
  socket.send(raw("SALLYPORT", "HEALTH", {}));
  assert.equal((await closed)[0], 1008);

  const told: number[] = [];
  const novel = [raw("SALLYPORT", "NOVEL", {}), Buffer.alloc(8, 0xff)];
  const command = { uri: "/netbackup/ping", method: "GET", headers: {} };
  await using endpoint = await openRawEndpoint([...novel, raw("COMMAND", "REQUEST", command)]);
  const service = await dial(endpoint.url, { ignored: (_what, count) => told.push(count) });
  await endpoint.answered;
  assert.deepEqual([told, service.ignored, service.isOpen], [[1, 2], 2, true]);
  endpoint.send(raw("SALLYPORT", "MOVE", {}));
  assert.equal((await service.closed).code, 1008);
  for (const [at, code] of [1008, 1003].entries()) {
    await using plain = await openRawEndpoint(novel.slice(at, at + 1), false);
    assert.equal((await (await dial(plain.url)).closed).code, code);
  }
});

test("connection - a primary says how it is, at once and at the pace that the endpoint asks for, and otherwise once an hour", async () => {
  const clock = new ManualClock();
  await using peer = await startEndpoint({ healthIntervalMs: 30_000 });
  let outboxDepth = 0;
  const said = Promise.withResolvers<void>();
  const health = () => {
    outboxDepth += 1;
    if (outboxDepth === 2) said.resolve();
    return { version: "1", outboxDepth, outboxAgeMs: 5, loopLagMs: 1 };
  };
  const service = await dial(peer.url, { clock, health });
  const connection = await peer.connected;
  await service.notify(id, [entry], { timeoutMs: 10_000 });
  assert.deepEqual(connection.health?.health, {
    version: "1",
    outboxDepth: 1,
    outboxAgeMs: 5,
    loopLagMs: 1,
    executing: 0,
  });
  clock.advance(30_000);
  await said.promise;
  await service.notify(id, [entry], { timeoutMs: 10_000 });
  assert.equal(connection.health?.health.outboxDepth, 2);
  await service.close();

  // HELLO comes all the same: whoever has notifications waits for it.
  await using unasking = await startEndpoint();
  const other = await dial(unasking.url, { health });
  assert.deepEqual(await other.hello(20_000), { healthIntervalMs: 3_600_000 });
  await other.notify(id, [entry], { timeoutMs: 10_000 });
  assert.equal((await unasking.connected).health?.health.outboxDepth, 3);
  await other.close();
});

test("connection - an endpoint that does not read its answers stops no timer, and is cut off when even what is short piles up", async () => {
  const clock = new ManualClock();
  const command = (commandId: string, uri: string) =>
    raw("COMMAND", "REQUEST", { uri, method: "GET", headers: {} }).replace(id, commandId);
  const long = command("11111111-1111-4111-8111-111111111111", "/netbackup/long");
  await using endpoint = await openRawEndpoint([raw("SALLYPORT", "HELLO", { healthIntervalMs: 1_000 })]);
  const answered = Promise.withResolvers<void>();
  let reports = 0;
  const service = await dial(endpoint.url, {
    clock,
    limits: { maxBufferedBytes: 1_000_000, maxMessageBytes: 64 * 1024 * 1024 },
    health() {
      reports += 1;
      return { version: "1", outboxDepth: 0, outboxAgeMs: 0, loopLagMs: 0 };
    },
    async execute({ uri }) {
      if (uri.endsWith("short")) return { status: 200, headers: {}, body: "short" };
      // After it was sent.
      setImmediate(() => answered.resolve());
      return { status: 200, headers: {}, body: "x".repeat(32 * 1024 * 1024) };
    },
  });
  await endpoint.answered;
  endpoint.pause();
  endpoint.send(long);
  await answered.promise;
  for (let n = 0; n < 5; n += 1) clock.advance(1_000);
  assert.equal(reports, 1);
  assert.ok(service.isOpen);
  endpoint.send(command("22222222-2222-4222-8222-222222222222", "/netbackup/short"));
  assert.deepEqual(await service.closed, { code: 1006, reason: "the peer does not read what it is sent" });
});

test("connection - a primary that is asked to move answers what runs, then leaves with 1012", async () => {
  const clock = new ManualClock();
  await using peer = await startEndpoint();
  const [moving, started, slow] = [
    Promise.withResolvers<Move>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  const service = await dial(peer.url, {
    clock,
    moving: moving.resolve,
    async execute() {
      started.resolve();
      await slow.promise;
      return { status: 200, headers: {}, body: "done" };
    },
  });
  const connection = await peer.connected;
  const command = { uri: "/netbackup/slow", method: "GET", headers: {} } as const;
  const answer = connection.command(command, { timeoutMs: 60_000 });
  await started.promise;
  const move = { delayMs: 3_000, windowMs: 5_000, reason: "the hub is restarting" };
  connection.move(move);
  assert.deepEqual(await moving.promise, move);
  clock.advance(2_999);
  await service.notify(id, [entry], { timeoutMs: 10_000 });
  clock.advance(1);
  assert.ok(service.isOpen, "a command runs");
  slow.resolve();
  assert.equal((await answer).body, "done");
  assert.deepEqual(await connection.closed, { code: 1012, reason: "the hub is restarting" });
  assert.deepEqual(service.move, move);
});

const dialects: [PeerDialect, string][] = [
  [{}, '"payload":[]'],
  [{ acknowledgement: "array" }, '"payload":[]'],
  [{ acknowledgement: "object" }, '"payload":{}'],
  [{ acknowledgement: "absent" }, '"timeStamp":'],
];
for (const [dialect, expected] of dialects) {
  test(`connection - acknowledges in the primary's dialect: ${dialect.acknowledgement ?? "none"}`, async () => {
    await using peer = await startEndpoint({
      connected(connection) {
        connection.dialect = { statusMember: "code", bodyMember: "text", ...dialect };
        established.resolve(connection);
      },
    });
    const established = Promise.withResolvers<EndpointConnection<string>>();
    const { socket, closed } = await openRaw(peer.url);
    socket.send(raw("CONNECT", "REQUEST", { token: "good" }));
    await once(socket, "message");
    socket.send(raw("NOTIFICATION", "REQUEST", [entry]));
    const [answer] = (await once(socket, "message")) as [Buffer];
    assert.ok(answer.toString().includes(expected), answer.toString());
    assert.equal(answer.toString().includes('"payload"'), dialect.acknowledgement !== "absent");
    const connection = await established.promise;
    const command = connection.command(
      { uri: "/netbackup/ping", method: "GET", headers: {} },
      { timeoutMs: 10_000 },
    );
    const [request] = (await once(socket, "message")) as [Buffer];
    const { id: commandId } = JSON.parse(request.toString()) as { id: string };
    socket.send(raw("COMMAND", "RESPONSE", { code: 200, text: "pong", status: 500 }).replace(id, commandId));
    assert.deepEqual(await command, { status: 200, headers: {}, body: "pong" });
    socket.close();
    await closed;
  });
}

test("connection - what comes after a close is not taken, and a peer that does not answer it is cut off in time", async () => {
  const clock = new ManualClock();
  await using peer = await startEndpoint({ clock });
  const { socket, closed } = await openRaw(peer.url);
  socket.send(raw("CONNECT", "REQUEST", { token: "good" }));
  await once(socket, "message");
  const connection = await peer.connected;
  // Deaf: it never sees the close frame, and goes on sending.
  socket.pause();
  connection.close(1008, "token revoked", 500);
  socket.send(raw("NOTIFICATION", "REQUEST", [entry]));
  clock.advance(500);
  assert.deepEqual(await connection.closed, { code: 1008, reason: "token revoked" });
  socket.resume();
  await closed;
  assert.deepEqual(peer.notifications, []);
});
