import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { number, text, type Facts } from "../program.ts";

/** A call on its way through a peer that carries messages. */
export interface BridgedCall {
  method: string;
  uri: string;
  headers: Record<string, string>;
  body: string;
}

/** Its answer. */
export interface BridgedAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The certificate that every listener of the bench has. */
export function tlsOf(config: Facts): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(text(config, "cert")), key: readFileSync(text(config, "key")) };
}

/** An HTTPS server that makes a message of each request: the least that a bridge has to do. */
export function bridgeServer(config: Facts, carry: (call: BridgedCall) => Promise<BridgedAnswer>): Server {
  return createServer({ ...tlsOf(config), keepAliveTimeout: 60_000 }, (request, response) => {
    void readBody(request)
      .then((body) => {
        const { method = "GET", url: uri = "/" } = request;
        return carry({ method, uri, headers: request.headers as Record<string, string>, body });
      })
      .then((answer) => {
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      })
      .catch(() => response.destroy());
  });
}

/** Listens on loopback. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/** The other end: calls the target with undici's pool, as the agent does. */
export function bridgeTarget(config: Facts): (call: BridgedCall) => Promise<BridgedAnswer> {
  const pool = new Pool(`http://127.0.0.1:${number(config, "targetPort")}`, { connections: 32 });
  return async ({ method, uri, headers, body }) => {
    const { host: _, connection: __, ...kept } = headers;
    const response = await pool.request({
      path: uri,
      method,
      headers: kept,
      body: body === "" ? null : body,
    });
    const answer = await response.body.text();
    const { "content-type": type = "", "content-length": length = "" } = response.headers;
    return {
      status: response.statusCode,
      headers: { "content-type": String(type), "content-length": String(length) },
      body: answer,
    };
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
