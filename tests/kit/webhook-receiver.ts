import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./site.ts";
import { startTlsServer } from "./tls-server.ts";

/** What came to a receiver. */
export interface ReceivedWebhook {
  headers: IncomingHttpHeaders;
  body: string;
  type: string;
  subject: string;
}

/** A receiver of webhooks over HTTPS, and the options of a hub that may send to it. */
export interface WebhookReceiver extends AsyncDisposable {
  url: string;
  hubArgs: string[];
  readonly requests: ReceivedWebhook[];
  /** Answers a request; 204 unless it is set. */
  answer: (response: ServerResponse) => void;
  /** Waits until so many have come. */
  got(count: number): Promise<void>;
}

/** Starts a receiver; its authority goes into the folder. */
export async function startWebhookReceiver(dir: string): Promise<WebhookReceiver> {
  const requests: ReceivedWebhook[] = [];
  const server = await startTlsServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { type, subject } = JSON.parse(body) as { type: string; subject: string };
      requests.push({ headers: request.headers, body, type, subject });
      receiver.answer(response);
    });
  });
  const caFile = join(dir, "receiver-ca.pem");
  writeFileSync(caFile, server.caPem);
  const receiver: WebhookReceiver = {
    url: `${server.origin}/hook`,
    hubArgs: ["--webhooks-allowed-networks", "127.0.0.0/8", "--webhooks-ca-file", caFile],
    requests,
    answer: (response) => response.writeHead(204).end(),
    got: (count) => until(() => Promise.resolve(requests.length >= count)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return receiver;
}
