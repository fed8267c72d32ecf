// Both ends of sallyport.probe.v1 over real TLS, through a real TCP proxy with an idle timer; time is moved by the test.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { ensureServerCertificate, type ServerCertificate } from "@sallyport/certificates";
import { WebSocket, WebSocketServer } from "ws";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { startIdleProxy, type IdleProxyOptions } from "../../../../tests/kit/idle-proxy.ts";
import { attachEndpoint, Probe, probeProtocol, type NbwssLimits, type Rejection } from "../index.ts";
import { ManualClock } from "../testing/index.ts";

const folder = temporaryFolder();
let certificate: ServerCertificate;
before(async () => {
  const hostNames = ["localhost"];
  certificate = await ensureServerCertificate({
    dir: folder.path,
    owner: "test",
    hostNames,
    nowMs: Date.now(),
  });
});
after(() => folder[Symbol.dispose]());

/** An endpoint that knows the token "good", and what it was told. */
async function startEndpoint(limits: Partial<NbwssLimits> = {}, isProbed = true) {
  const clock = new ManualClock();
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const seen = { connected: 0, rejections: [] as Rejection[], busy: [] as boolean[] };
  let silent: (ms: number) => void = () => {};
  const rejected = Promise.withResolvers<void>();
  const endpoint = attachEndpoint<string>(server, {
    clock,
    limits,
    authenticate: async (token) => (token.startsWith("good") ? token : undefined),
    connected: () => (seen.connected += 1),
    rejected: (rejection) => {
      seen.rejections.push(rejection);
      rejected.resolve();
    },
    notified: async () => {},
    ...(isProbed
      ? {
          probes: {
            keyOf: (identity) => identity,
            accepted: (isBusy) => seen.busy.push(isBusy),
            silent: (ms) => silent(ms),
          },
        }
      : {}),
  });
  const { port } = server.address() as AddressInfo;
  return {
    clock,
    endpoint,
    port,
    seen,
    rejected: rejected.promise,
    /** Calls this when a silence has begun. */
    whenSilent: (then: typeof silent) => (silent = (ms) => setImmediate(then, ms)),
    open: (token = "good", at = port) =>
      Probe.open({
        url: `wss://localhost:${at}/nbwss`,
        token,
        tls: { ca: certificate.caPem },
        clock,
      }),
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const never = new AbortController().signal;

test("probe - the endpoint is silent for as long as it was asked to, on one connection, and never counts it as the primary's", async () => {
  await using site = await startEndpoint();
  const { clock } = site;
  const asked: number[] = [];
  site.whenSilent((ms) => {
    asked.push(ms);
    clock.advance(ms);
  });
  using probe = await site.open();
  assert.equal(probe.maxSilenceMs, 30 * 60_000);
  for (const ms of [1_000, 60_000, 1_800_000]) {
    assert.deepEqual(await probe.ask(ms, { clock, patienceMs: 5_000, signal: never }), { kind: "answered" });
  }
  assert.deepEqual(asked, [1_000, 60_000, 1_800_000]);
  assert.deepEqual([site.seen.connected, site.endpoint.probing, site.endpoint.unproven], [0, 1, 0]);
});

for (const manner of ["cut", "forget"] as const satisfies IdleProxyOptions["manner"][]) {
  test(`probe - a silence that a proxy does not bear is seen (${manner})`, async () => {
    await using site = await startEndpoint();
    const { clock } = site;
    await using proxy = await startIdleProxy({ targetPort: site.port, idleMs: 60_000, clock, manner });
    const terms = { clock, patienceMs: 5_000, signal: never };
    site.whenSilent((ms) =>
      clock.advance(ms < 60_000 || manner === "cut" ? Math.min(ms, 60_000) : ms + 5_000),
    );
    using probe = await site.open("good", proxy.port);
    assert.deepEqual(await probe.ask(59_000, terms), { kind: "answered" });
    const expected = manner === "cut" ? { kind: "cut", afterMs: 60_000 } : { kind: "lost" };
    assert.deepEqual(await probe.ask(90_000, terms), expected);
  });
}

test("probe - a wrong token is refused, one probe too many is told so", async () => {
  await using site = await startEndpoint({ maxProbes: 2, maxProbesPerIdentity: 1 });
  await assert.rejects(site.open("wrong"), { code: "token_refused" });
  await site.rejected;
  assert.equal(site.seen.rejections[0]?.code, 1008);
  using _one = await site.open("good");
  await assert.rejects(site.open("good"), { code: "busy" });
  using _other = await site.open("good too");
  await assert.rejects(site.open("good three"), { code: "busy" });
  assert.deepEqual(site.seen.busy, [false, true, false, true]);
  assert.equal(site.endpoint.probing, 2);
});

test("probe - too long a silence, too many, and nothing at all are ended by the endpoint", async () => {
  await using site = await startEndpoint({ maxProbeSilenceMs: 1_000, maxProbeSilences: 1 });
  const { clock } = site;
  const terms = { clock, patienceMs: 60_000, signal: never };
  using greedy = await site.open();
  assert.deepEqual(await greedy.ask(1_001, terms), {
    kind: "ended",
    reason: "closed with 1008 at most 1000 ms of silence",
  });
  using steady = await site.open();
  site.whenSilent((ms) => clock.advance(ms));
  assert.equal((await steady.ask(1_000, terms)).kind, "answered");
  const more = await steady.ask(1_000, terms);
  assert.match(more.kind === "ended" ? more.reason : "", /1013/);
  const idle = new WebSocket(`wss://localhost:${site.port}/nbwss`, probeProtocol, { ca: certificate.caPem });
  await once(idle, "open");
  clock.advance(10_000);
  const [code] = (await once(idle, "close")) as [number];
  assert.equal(code, 1008);
});

test("probe - what breaks the rules is closed: a message in the silence, a frame, a flood before the token", async () => {
  await using site = await startEndpoint();
  const attempts: [unknown[], number][] = [
    [[JSON.stringify({ type: "SILENCE", ms: 5 })], 1008],
    [["no JSON"], 1008],
    [[Buffer.from("binary")], 1008],
    [
      [JSON.stringify({ type: "TOKEN", token: "good" }), JSON.stringify({ type: "TOKEN", token: "good" })],
      1008,
    ],
    [["x".repeat(64 * 1024)], 1006],
  ];
  for (const [messages, expected] of attempts) {
    const socket = new WebSocket(`wss://localhost:${site.port}/nbwss`, probeProtocol, {
      ca: certificate.caPem,
    });
    socket.on("error", () => {});
    await once(socket, "open");
    for (const message of messages) socket.send(message as string);
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, expected, String(messages[0]).slice(0, 40));
  }
  assert.equal(site.endpoint.probing, 0);
});

test("probe - an endpoint of NBWSS 1.0 is told apart, one that selects whatever is offered too", async () => {
  await using site = await startEndpoint({}, false);
  await assert.rejects(site.open(), { code: "probe_unsupported" });
  await site.rejected;
  // It closed by itself, with nothing sent that the endpoint would have to judge.
  assert.equal(site.seen.rejections[0]?.code, 1000);
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", () => socket.close(1008)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    await assert.rejects(site.open("good", port), { code: "probe_unsupported" });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
