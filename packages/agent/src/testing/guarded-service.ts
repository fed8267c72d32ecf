import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { pino } from "pino";
import { openDatabase } from "@sallyport/durable";
import { systemClock, type Clock, type Command } from "@sallyport/nbwss";
import { startCloud } from "../../../../tests/kit/cloud.ts";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { startTlsServer } from "../../../../tests/kit/tls-server.ts";
import { NbwssService, type AgentLimits } from "../index.ts";

interface Arrived {
  method: string | undefined;
  url: string | undefined;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** A service between a hostile cloud and an upstream that counts what reaches it. */
export async function startGuarded(
  options: {
    rules?: object;
    limits?: Partial<AgentLimits>;
    readOnly?: boolean;
    status?: number;
    /** Answers in place of the upstream; true when it has. */
    answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
    /** Done to the folder of the audit before it is opened. */
    prepareAudit?: (dir: string) => void;
  } = {},
) {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(temporaryFolder());
  const arrived: Arrived[] = [];
  // The wall's time can be moved; the connections' timers run as they do.
  let movedMs = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + movedMs };
  const upstream = starting.use(
    await startTlsServer((request, response) => {
      if (options.answer?.(request, response) === true) return;
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method, url, headers } = request;
        arrived.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(options.status ?? 200, { "content-length": 2 }).end("{}");
      });
    }),
  );
  const clouds = [
    starting.use(await startCloud({ dir: folder.path })),
    starting.use(await startCloud({ dir: folder.path })),
  ];
  const database = starting.use(openDatabase({ path: join(folder.path, "db"), migrations: [] }));
  const guardRulesFile = join(folder.path, "guard.yaml");
  if (options.rules !== undefined)
    writeFileSync(guardRulesFile, JSON.stringify({ version: 1, ...options.rules }));
  const auditDir = join(folder.path, "audit");
  mkdirSync(auditDir, { mode: 0o700 });
  options.prepareAudit?.(auditDir);
  const service = starting.use(
    new NbwssService({
      database,
      auditDir,
      log: pino({ level: "silent" }),
      endpointCaPem: clouds[0]?.caPem,
      guardRulesFile: options.rules === undefined ? undefined : guardRulesFile,
      readOnly: options.readOnly,
      limits: options.limits ?? {},
      clock,
    }),
  );
  service.start({ origin: upstream.origin, ca: [upstream.caPem] });
  for (const [index, cloud] of clouds.entries()) {
    const details = { ...cloud.details, groupId: `group${index}` };
    const { certificate } = await service.administration.validateHost(details);
    await service.administration.save({ ...details, certificate, state: "ACTIVATED" });
    await cloud.until(() => cloud.connections.length === 1);
  }
  const send = async (what: string, more: Partial<Command> & { group?: 0 | 1 } = {}) => {
    const [method, uri = ""] = what.split(" ");
    const { group = 0, ...command } = more;
    const answer = await clouds[group]?.connections[0]?.command(
      { uri, method: method as Command["method"], headers: {}, ...command },
      { timeoutMs: 20_000 },
    );
    assert.ok(answer !== undefined);
    const body = JSON.parse(answer.body) as {
      errorMessage?: string;
      errorDetails?: string[];
      data?: { id: string; attributes: { state: string; status?: number; comment?: string } };
    };
    return { status: answer.status, headers: answer.headers, body, ticket: body.data?.id ?? "" };
  };
  const running = starting.move();
  const advance = (ms: number) => (movedMs += ms);
  return {
    service,
    auditDir,
    guard: service.guard,
    clouds,
    guardRulesFile,
    advance,
    arrived,
    send,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
