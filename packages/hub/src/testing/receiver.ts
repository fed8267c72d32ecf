import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { ensureServerCertificate } from "@sallyport/certificates";
import { Webhook } from "standardwebhooks";
import type { CloudEvent } from "../feed/feed.ts";
import { temporaryFolder } from "./hub-fixture.ts";

/** A request that came. */
export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  event: CloudEvent & { data: Record<string, unknown> };
}

/** Answers a request; what it does not end stays open. */
export type Answering = (received: Received, response: ServerResponse) => void;

/** A receiver of webhooks on loopback over HTTPS. */
export interface TestReceiver extends AsyncDisposable {
  /** `https://127.0.0.1:PORT/hook` */
  url: string;
  /** PEM of its authority. */
  ca: string;
  /** All that came, in order. */
  readonly requests: Received[];
  /** What it answers from now on; 204 unless said. */
  answer: Answering;
  /** Resolves when so many requests have come that the test accepts. */
  until(test: (requests: readonly Received[]) => boolean): Promise<void>;
  /** Verifies the signature as the library of Standard Webhooks does. @throws Error when it is wrong */
  verify(secret: string, received: Received): void;
}

/** Answers with a status. */
export function status(code: number, headers: Record<string, string> = {}, body = ""): Answering {
  return (_, response) => response.writeHead(code, headers).end(body);
}

/** Starts a receiver. @param port 0 for any that is free */
export async function startReceiver(port = 0): Promise<TestReceiver> {
  await using folder = await temporaryFolder();
  const { certPem, keyPem, caFile } = await ensureServerCertificate({
    dir: folder.path,
    owner: "receiver of a test",
    hostNames: ["127.0.0.1", "localhost"],
    nowMs: Date.now(),
  });
  const requests: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const received = { headers: request.headers, body, event: JSON.parse(body) as Received["event"] };
      requests.push(received);
      receiver.answer(received, response);
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const receiver: TestReceiver = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    ca: await readFile(caFile, "utf8"),
    requests,
    answer: status(204),
    until: (accepts) =>
      new Promise((resolve) => {
        const look = () => {
          if (!accepts(requests)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    verify(secret, { body, headers }) {
      new Webhook(secret).verify(body, headers as Record<string, string>);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
