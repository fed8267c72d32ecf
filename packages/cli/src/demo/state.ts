import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "node:net";
import { once } from "node:events";
import { z } from "zod";
import { writeFileDurably } from "@sallyport/durable";

const state = z.object({
  hubPort: z.number(),
  primaryPort: z.number(),
  adminKey: z.string(),
  primaryUser: z.string(),
  primaryPassword: z.string(),
  primaryId: z.string().optional(),
});

/** What the demo has to remember so that a second run continues where the first stopped. */
export type DemoState = z.infer<typeof state>;

/** Loads the demo's memory from its data folder (a file with mode 0600), or begins one with free ports and new secrets. */
export async function loadDemoState(dir: string): Promise<DemoState> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    return state.parse(JSON.parse(readFileSync(join(dir, "demo.json"), "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const [hubPort, primaryPort] = await freePorts();
  const fresh: DemoState = {
    hubPort,
    primaryPort,
    adminKey: randomBytes(32).toString("base64url"),
    primaryUser: "backupadmin",
    primaryPassword: randomBytes(24).toString("base64url"),
  };
  await saveDemoState(dir, fresh);
  return fresh;
}

/** Stores the demo's memory. */
export async function saveDemoState(dir: string, value: DemoState): Promise<void> {
  await writeFileDurably(join(dir, "demo.json"), JSON.stringify(value, null, 2), 0o600);
}

/** The ports are fixed from the first run on, because the endpoint that is saved on the primary names the hub's. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const [first, second] = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return [first ?? 0, second ?? 0];
}
