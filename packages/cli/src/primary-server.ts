import { join } from "node:path";
import {
  defaultAgentLimits,
  outboxBounds,
  NbwssService,
  Outbox,
  type NbwssServiceOptions,
  type PersonOf,
} from "@sallyport/agent";
import type { Database } from "@sallyport/durable";
import {
  createPrimary,
  isWildcard,
  type Credentials,
  type NotificationJournal,
  type Principal,
} from "@sallyport/primary";
import type { Logger } from "pino";
import type { ListenAddress } from "./listen-address.ts";
import type { ServerProcess } from "./server-process.ts";

/** What a primary with NBWSS built in is started with. */
export interface PrimaryServerOptions extends Pick<
  NbwssServiceOptions,
  "endpointCaPem" | "proxy" | "properties" | "guardRulesFile" | "readOnly"
> {
  dataDir: string;
  hostName: string;
  /** Where its REST API listens, at least one; all with one certificate. */
  listen: readonly ListenAddress[];
  log: Logger;
  firstUser?: Credentials | undefined;
}

/** A primary with NBWSS built in, listening. */
export interface PrimaryServer extends ServerProcess {
  /** The first address. */
  url: string;
  /** Every address. */
  urls: string[];
  caFile: string | undefined;
  service: NbwssService;
  /** The first user; the password only when it has just been made. */
  firstUser: { userName: string; password?: string };
}

/** The journal of a stopped primary: what is told to it is sent when the primary runs again. */
export function openOutbox(database: Database, log: Logger): NotificationJournal {
  return new Outbox(database, outboxBounds(defaultAgentLimits), (gap) => log.warn({ ...gap }, "outbox.gap"));
}

/**
 * Starts a primary and the NBWSS service in it. The two share the primary's database, so that a job and its
 * notification are committed together; commands reach the primary through its own REST API, as a real NetBackup's do.
 */
export async function startPrimaryServer(options: PrimaryServerOptions): Promise<PrimaryServer> {
  const { dataDir, hostName, listen, log, firstUser, ...nbwss } = options;
  await using starting = new AsyncDisposableStack();
  let service: NbwssService | undefined;
  const primary = starting.use(
    await createPrimary({
      dataDir,
      hostName,
      log,
      firstUser,
      journal(database) {
        service = new NbwssService({ ...nbwss, auditDir: join(dataDir, "audit"), database, log });
        return service.outbox;
      },
      mount(routes) {
        if (service !== undefined) routes.route("/", service.routes(personOf));
      },
    }),
  );
  if (service === undefined) throw new TypeError("the primary has made no journal");
  starting.use(service);
  const listeners = [];
  // One after the other, with the same names: the first makes the certificate that the others find.
  const hostNames = listen.map(({ host }) => host);
  for (const address of listen) listeners.push(await primary.listen({ ...address, hostNames }));
  const [first] = listeners;
  if (first === undefined) throw new TypeError("there is no address to listen on");
  const { url, certificate } = first;
  service.start({ origin: originOf(url), ca: certificate === undefined ? [] : [certificate.caPem] });
  const running = starting.move();
  return {
    url,
    urls: listeners.map((listener) => listener.url),
    caFile: certificate?.caFile,
    service,
    firstUser: primary.firstUser,
    close: () => running.disposeAsync(),
  };
}

/** Where the service in the same process reaches the primary: an address that stands for all is the name of none. */
function originOf(url: string): string {
  const origin = new URL(url);
  if (isWildcard(origin.hostname.replaceAll(/[[\]]/g, ""))) origin.hostname = "127.0.0.1";
  return origin.origin;
}

/** Who is logged in at the primary. */
const personOf: PersonOf = (variable) => (variable("principal") as Principal | undefined)?.userName;
