// Thousands of primaries in one process, on bare sockets, the same against the hub and against the bare server.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { WebSocket } from "ws";
import { jobEntries } from "../notifications/message.ts";
import { runProgram, text, type Facts } from "../program.ts";

/** Dials that are under way at a time: what a fleet behind some back-off brings at once. */
const maxDialling = 128;

interface Client {
  token: string;
  notificationId: string;
  jobId: number;
  acknowledged: boolean;
  socket?: WebSocket;
}

runProgram({
  clients(config) {
    const { url } = config;
    const agent = new Agent({ ca: readFileSync(text(config, "ca")), maxCachedSessions: 0 });
    const tokens = readFileSync(text(config, "tokensFile"), "utf8").trim().split("\n");
    // Another one in each run: the hub drops what says the same again.
    const jobId = Math.floor(Math.random() * 1e9);
    const clients = tokens.map((token): Client => {
      return { token, notificationId: randomUUID().toUpperCase(), jobId, acknowledged: false };
    });
    let acknowledged = 0;
    const onText = (client: Client, data: string) => {
      const { type, id } = JSON.parse(data) as { type: string; id: string };
      if (type !== "NOTIFICATION" || id !== client.notificationId || client.acknowledged) return;
      client.acknowledged = true;
      acknowledged += 1;
    };
    const questions: Record<string, (question: Facts) => Promise<Facts>> = {
      connect: async () => ({ ms: await connectAll(clients, String(url), agent, onText) }),
      /** Sends each client's one notification, and waits until some are acknowledged. */
      notify: async ({ enough }) => {
        for (const client of clients) if (!client.acknowledged) client.socket?.send(notification(client));
        while (acknowledged < Number(enough)) await new Promise((resolve) => setTimeout(resolve, 5));
        return { acknowledged };
      },
      /** Waits until all are cut off. */
      lost: async () => {
        await Promise.all(clients.map(({ socket }) => whenClosed(socket)));
        return { acknowledged };
      },
      resend: async () => {
        for (const client of clients) if (!client.acknowledged) client.socket?.send(notification(client));
        while (acknowledged < clients.length) await new Promise((resolve) => setTimeout(resolve, 5));
        return { acknowledged };
      },
    };
    const ask = (question: Facts) => {
      const run = questions[String(question["what"])];
      return run === undefined ? Promise.reject(new Error("what?")) : run(question);
    };
    return Promise.resolve({ facts: {}, ask });
  },
});

async function connectAll(
  clients: readonly Client[],
  url: string,
  agent: Agent,
  onText: (client: Client, data: string) => void,
): Promise<number> {
  const startedAtMs = performance.now();
  const queue = clients.values();
  const dialler = async () => {
    for (const client of queue) await connect(client, url, agent, onText);
  };
  await Promise.all(Array.from({ length: maxDialling }, dialler));
  return performance.now() - startedAtMs;
}

/** Dials until it is accepted, as primaries do. */
async function connect(
  client: Client,
  url: string,
  agent: Agent,
  onText: (client: Client, data: string) => void,
): Promise<void> {
  for (;;) {
    const socket = new WebSocket(url, { agent, perMessageDeflate: false });
    const isAccepted = await new Promise<boolean>((resolve) => {
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      socket.on("open", () => socket.send(connectRequest(client.token)));
      socket.on("message", (data) => {
        const message = (data as Buffer).toString();
        if (message.includes('"CONNECT"')) resolve((JSON.parse(message) as Accepted).payload.valid);
        else onText(client, message);
      });
    });
    if (isAccepted) {
      client.socket = socket;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Accepted {
  payload: { valid: boolean };
}

function connectRequest(token: string): string {
  return envelope("CONNECT", randomUUID().toUpperCase(), { token });
}

function notification({ notificationId, jobId }: Client): string {
  return envelope("NOTIFICATION", notificationId, jobEntries(jobId));
}

function envelope(type: string, id: string, payload: unknown): string {
  const timeStamp = Math.floor(Date.now() / 1000);
  return JSON.stringify({ version: "1.0", id, type, subType: "REQUEST", timeStamp, payload });
}

function whenClosed(socket: WebSocket | undefined): Promise<void> {
  if (socket === undefined || socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
