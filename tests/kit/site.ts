import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CloudApplication, endpointsOf, HubClient, PrimaryClient, type FeedEvent } from "@sallyport/cli";
import { makeQuickRepository } from "../../packages/primary/src/testing/quick-repository.ts";
import { temporaryFolder } from "./folder.ts";
import { freePort, sallyport, startServer, type Ended, type ServerProcess } from "./sallyport.ts";

/** The secrets of a site, to be looked for where they must not be. */
export const adminKey = `key-${randomBytes(24).toString("base64url")}`;
const user = "backupadmin";
export const password = `pass-${randomBytes(24).toString("base64url")}`;

/** A hub and a primary as processes of their own, the primary enrolled and connected. */
export class Site implements AsyncDisposable {
  readonly dir: string;
  readonly hubPort: number;
  readonly #primaryPort: number;
  readonly #folder: Disposable;
  readonly #primaryArgs: readonly string[];
  #endpointPort: number;
  #primaryHost = "127.0.0.1";
  primaryId = "";
  /** Every token that was given out, to be looked for where it must not be. */
  token = "";
  hub!: ServerProcess;
  primary!: ServerProcess;
  client!: HubClient;
  application!: CloudApplication;

  private constructor(
    ports: { hub: number; primary: number },
    folder: { path: string } & Disposable,
    primaryArgs: readonly string[],
  ) {
    this.#folder = folder;
    this.#primaryArgs = primaryArgs;
    this.dir = folder.path;
    this.hubPort = ports.hub;
    this.#endpointPort = ports.hub;
    this.#primaryPort = ports.primary;
  }

  /**
   * Starts and connects everything.
   * @param throughPort makes the port that the primary dials, given the hub's
   * @param primaryArgs more options of the primary
   * @param primaryHost the address that the primary listens on
   */
  static async start(
    throughPort?: (hubPort: number) => Promise<number>,
    primaryArgs: readonly string[] = [],
    primaryHost = "127.0.0.1",
  ): Promise<Site> {
    const ports = { hub: await freePort(), primary: await freePort() };
    const site = new Site(ports, temporaryFolder(), primaryArgs);
    site.#primaryHost = primaryHost;
    try {
      makeQuickRepository(join(site.dir, "primary"));
      if (throughPort !== undefined) site.#endpointPort = await throughPort(site.hubPort);
      await site.startHub();
      await site.startPrimary();
      await site.#enrol();
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** (Re)starts the hub on the same port and data. */
  async startHub(): Promise<void> {
    await this.client?.close();
    const args = ["hub", "--data", join(this.dir, "hub"), "--listen", `127.0.0.1:${this.hubPort}`];
    this.hub = await startServer(args, { SALLYPORT_ADMIN_KEY: adminKey });
    this.client = new HubClient(this.hub.url, adminKey, this.hub.caPem);
    this.application = new CloudApplication(this.client, this.primaryId);
  }

  /** (Re)starts the primary on the same port and data. */
  async startPrimary(env: Record<string, string> = {}): Promise<void> {
    const properties = join(this.dir, "nbwss.properties");
    writeFileSync(properties, "connectionInfo.period=1\nnotification.scheduledRate=1\n");
    this.primary = await startServer(
      [
        "primary",
        "--data",
        join(this.dir, "primary"),
        "--listen",
        `${this.#primaryHost}:${this.#primaryPort}`,
        "--ca",
        this.hub.caFile,
        "--host-name",
        "branch",
        "--nbwss-properties",
        properties,
        ...this.#primaryArgs,
      ],
      { SALLYPORT_PRIMARY_USER: user, SALLYPORT_PRIMARY_PASSWORD: password, ...env },
    );
    this.primary.url = `https://127.0.0.1:${this.#primaryPort}`;
  }

  async #enrol(): Promise<void> {
    const created = await this.client.addPrimary({ name: "branch" });
    this.primaryId = created.id;
    this.token = created.endpoint.token;
    this.application = new CloudApplication(this.client, created.id);
    await using administrator = await this.administrator();
    const details = { ...created.endpoint, url: `wss://127.0.0.1:${this.#endpointPort}/nbwss` };
    const endpoints = endpointsOf(administrator);
    await endpoints.save(await endpoints.validateHost(details));
    await endpoints.update(details.hostName, "ACTIVATED");
    await this.connected();
    await this.login();
  }

  /** The primary's administrator, logged in on premises. */
  administrator(): Promise<PrimaryClient> {
    process.env["SALLYPORT_PRIMARY_PASSWORD"] = password;
    return PrimaryClient.login({ primary: this.primary.url, user, ca: this.primary.caFile });
  }

  /** The cloud application logs in at the primary, through the hub. */
  login(): Promise<void> {
    return this.application.login(user, password);
  }

  /** Waits until the hub says that the primary is connected. */
  connected(): Promise<void> {
    return until(
      async () => (await this.client.findPrimary(this.primaryId)).connection.state === "connected",
    );
  }

  /** All notifications that the hub has stored. */
  async notifications(): Promise<FeedEvent[]> {
    return (await this.client.notifications(0, this.primaryId)).data;
  }

  /** Waits until a notification of this type and subject is stored. */
  notified(type: string, subject: string): Promise<void> {
    return until(async () =>
      (await this.notifications()).some((event) => event.type === type && event.subject === subject),
    );
  }

  /** Runs the CLI as this hub's user. */
  cli(args: string[], env: Record<string, string> = {}): Promise<Ended> {
    return sallyport(args, {
      SALLYPORT_HUB: this.hub.url,
      SALLYPORT_API_KEY: adminKey,
      SALLYPORT_CA: this.hub.caFile,
      SALLYPORT_PRIMARY: this.primary.url,
      SALLYPORT_PRIMARY_CA: this.primary.caFile,
      SALLYPORT_PRIMARY_USER: user,
      SALLYPORT_PRIMARY_PASSWORD: password,
      ...env,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client?.close();
    await this.primary?.[Symbol.asyncDispose]();
    await this.hub?.[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** A rules file that lets everything through but the endpoints' administration, for tests of what lies behind the guard. */
export function openGuardRules(dir: string): string {
  const file = join(dir, "guard-open.yaml");
  writeFileSync(file, "version: 1\ndefaults: false\notherwise: allow\n");
  return file;
}

/** Looks again and again until `condition` holds, for what another process does; the runner's time-out ends it otherwise. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(50);
}

/** A folder with files to back up, of a total size. */
export function makeSource(dir: string, files: number, bytesEach: number): string {
  const source = join(dir, "source");
  mkdirSync(source, { recursive: true });
  for (let n = 0; n < files; n += 1) writeFileSync(join(source, `file-${n}`), randomBytes(bytesEach));
  return source;
}
