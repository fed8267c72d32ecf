import { join, resolve } from "node:path";
import { ensureServerCertificate, type ServerCertificate } from "@sallyport/certificates";
import { openDatabase, takeDataFolder, type Database } from "@sallyport/durable";
import type { Logger } from "pino";
import { ApiKeys } from "./access/api-keys.ts";
import { Sessions } from "./access/sessions.ts";
import { Users, type Credentials } from "./access/users.ts";
import { AuditTrail } from "./audit/audit-trail.ts";
import { createApi } from "./api/api.ts";
import type { ApiRoutes } from "./api/environment.ts";
import { HostLists, type ListOwner } from "./backup/host-lists.ts";
import { backupWork, localClientNames } from "./backup/backup.ts";
import { chooseSource } from "./backup/choose-source.ts";
import { clientBackup } from "./backup/client-backup.ts";
import { databaseBackup } from "./backup/database-backup.ts";
import { fileBackup } from "./backup/file-backup.ts";
import { Catalogue } from "./catalogue/catalogue.ts";
import { ImageContents } from "./catalogue/image-contents.ts";
import { Expiry } from "./catalogue/expiry.ts";
import { reconcileCatalogue } from "./catalogue/reconciliation.ts";
import { clientFile } from "./clients/ssh-client.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { JobWorkContext } from "./jobs/job-run.ts";
import type { Job } from "./jobs/job.ts";
import { JobLifecycle } from "./jobs/job-lifecycle.ts";
import { restingStates } from "./jobs/job-state.ts";
import { JobQueue } from "./jobs/job-queue.ts";
import { JobStore } from "./jobs/job-store.ts";
import type { NotificationJournal } from "./journal/notification.ts";
import { PolicyStore } from "./policies/policy-store.ts";
import { commandFile } from "./premises/commands.ts";
import { databaseFile } from "./premises/databases.ts";
import { clientRestoreWork, isForClient } from "./restore/client-restore.ts";
import { restoreWork } from "./restore/restore.ts";
import { StagingFolders } from "./restore/staging.ts";
import { migrations } from "./schema.ts";
import { startServer, type RunningServer } from "./server.ts";
import { RunningProcesses } from "./storage/running-processes.ts";
import { Scheduler } from "./scheduling/scheduler.ts";
import { defaultStorageUnit } from "./storage/storage-unit.ts";
import { StorageUnits } from "./storage/storage-units.ts";
import { verifyWork } from "./verify/verify.ts";

/** What a primary is made of. */
export interface PrimaryOptions {
  /** Where it keeps everything; made when missing, used by one process at a time. */
  dataDir: string;
  /** Its name: NetBackup's master server, and the name by which policies call this machine. */
  hostName: string;
  log: Logger;
  clock?: Clock;
  /** The first user, when there is none yet; otherwise `admin` with a password of its own is made. */
  firstUser?: Credentials | undefined;
  /** The restic program; found in PATH by default. */
  resticProgram?: string;
  /** Makes the journal that notifications go to, in the primary's own database. */
  journal: (database: Database) => NotificationJournal;
  /** Adds routes below `/netbackup`, behind the authentication. */
  mount?: (routes: ApiRoutes) => void;
}

/** Where the primary listens. */
export interface ListenOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Names beside `hostName`, `host` and localhost that the made certificate covers: several listeners that name the same share it. */
  hostNames?: readonly string[];
  /** A certificate of one's own; without it one is made in `dataDir/tls`. */
  tls?: { certPem: string; keyPem: string };
}

/** A listener, with the certificate that clients have to trust when it was made here. */
export type PrimaryListener = RunningServer & { certificate: ServerCertificate | undefined };

/** A backup server that runs. */
export interface Primary extends AsyncDisposable {
  /** The REST API, for requests that do not come through a socket. */
  app: ApiRoutes;
  database: Database;
  users: Users;
  /** The first user; the password only when it has just been made, to be shown once. */
  firstUser: { userName: string; password?: string };
  listen: (options: ListenOptions) => Promise<PrimaryListener>;
  /** Looks at once for backups that are due, as it does by itself every `schedulerTickMs`; answers how many it started. */
  runDueBackups: () => number;
  /** Stops listeners and jobs (status 50) and closes the database; calling it again does nothing. */
  close: () => Promise<void>;
}

/**
 * Starts a primary: first it ends what a killed predecessor left (restic processes, locks, staging folders, jobs that
 * were not done, a catalogue that differs from the repository), then it takes requests and jobs.
 * @throws DataFolderError
 */
export async function createPrimary(options: PrimaryOptions): Promise<Primary> {
  await using building = new AsyncDisposableStack();
  const { hostName, log, clock = systemClock } = options;
  // What no backup takes has to be known by its whole path.
  const dataDir = resolve(options.dataDir);
  building.use(takeDataFolder(dataDir));
  const database = building.use(openDatabase({ path: join(dataDir, "primary.db"), migrations }));
  const journal = options.journal(database);
  const users = new Users(database, clock);
  const firstUser = await users.ensureFirstUser(options.firstUser);
  const sessions = await Sessions.open(dataDir, database, clock);
  let authorityPem: string | undefined;

  const processes = new RunningProcesses(database);
  await processes.killAll(log, dataDir);
  const [jobs, catalogue, policies] = [
    new JobStore(database),
    new Catalogue(database),
    new PolicyStore(database),
  ];
  const staging = new StagingFolders(database);
  await staging.removeAll(log);

  const begun = jobs.listOpen().filter(({ type, tries }) => type === "BACKUP" && tries > 0);
  const unitsCutOff = new Set(begun.map(({ storageUnit }) => storageUnit));

  const units = building.use(
    new StorageUnits({
      dataDir,
      database,
      processes,
      program: options.resticProgram,
      // What this process starts waits for it, and what an earlier one left running has been killed.
      onOpen: async (unit, snapshots) => {
        await unit.restic.removeLocks();
        if (unitsCutOff.has(unit.name)) unit.noteLooseData();
        await reconcileCatalogue({ database, catalogue, jobs, journal, unit, snapshots, clock, log });
      },
    }),
  );
  await openAtStart(units, log);
  const lifecycle = new JobLifecycle({ database, jobs, catalogue, journal, clock, log });
  for (const job of jobs.listOpen()) {
    // Children come first: a parent goes on as long as one of them rests.
    const goesOn = restingStates.has(job.state) || jobs.hasOpenChild(job.id);
    if (!goesOn) lifecycle.interrupt(job, "the primary was killed during the job");
  }

  const expiry = building.use(new Expiry({ database, catalogue, journal, units, clock, log }));
  const hostLists = new HostLists(database);
  const maxJobsOf = (name: string) => units.settings.get(name).maxConcurrentJobs;
  const [commands, databases] = [commandFile(dataDir), databaseFile(dataDir)];
  const excludesOf = (owner: ListOwner) => hostLists.get(owner, "Exclude") ?? [];
  const files = fileBackup({ excludes: () => excludesOf({ thisMachine: true }), dataDir });
  const dumps = databaseBackup({ findDatabase: (name) => databases.find(name), processes });
  const clients = clientFile(dataDir);
  const places = { clients, dataDir, processes };
  const sources = { files, databases: dumps, clients: clientBackup({ ...places, excludesOf }) };
  const restore = restoreWork({ units, catalogue, staging });
  const restoreOnClient = clientRestoreWork({ ...places, units, catalogue });
  const work = {
    BACKUP: backupWork({
      units,
      clock,
      sourceOf: chooseSource(sources, clients),
      commands,
      processes,
    }),
    RESTORE: (job: Job, context: JobWorkContext) =>
      (isForClient(job) ? restoreOnClient : restore)(job, context),
    VERIFY: verifyWork({ units, catalogue }),
  };
  const queue = building.use(new JobQueue({ jobs, lifecycle, work, maxJobsOf, clock, log }));
  const scheduler = building.use(new Scheduler({ database, policies, queue, units, clients, clock, log }));
  const localClients = localClientNames(hostName);
  const { mount } = options;
  const app = createApi({
    users,
    sessions,
    apiKeys: new ApiKeys(database, clock),
    audit: new AuditTrail(database, clock),
    database,
    authorityPem: () => authorityPem,
    policies,
    jobs,
    queue,
    catalogue,
    expiry,
    units,
    dataDir,
    hostLists,
    contents: building.use(new ImageContents(units)),
    clock,
    log,
    localClients,
    clients,
    policyScope: { localClients, databases, units, clients },
    primaryName: hostName,
    ...(mount === undefined ? {} : { mount }),
  });
  expiry.start();
  expiry.sweep();
  queue.start();
  scheduler.start();

  const resources = building.move();
  const listen = async (where: ListenOptions): Promise<PrimaryListener> => {
    const certificate = where.tls === undefined ? await ownCertificate(options, where, clock) : undefined;
    const tls = where.tls ?? certificate;
    if (tls === undefined) throw new Error("no certificate");
    // Of a chain of one's own the last is nearest to what clients have to trust.
    authorityPem =
      certificate?.caPem ?? tls.certPem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)?.at(-1);
    const server = await startServer({ ...where, ...tls, fetch: (request, env) => app.fetch(request, env) });
    resources.use(server);
    log.info({ url: server.url }, "primary.listening");
    return { ...server, certificate };
  };
  const close = () => resources.disposeAsync();
  const runDueBackups = () => scheduler.tick();
  return { app, database, users, firstUser, listen, runDueBackups, close, [Symbol.asyncDispose]: close };
}

function ownCertificate(
  options: PrimaryOptions,
  where: ListenOptions,
  clock: Clock,
): Promise<ServerCertificate> {
  const names = [options.hostName, ...(where.hostNames ?? []), where.host].filter(
    (name) => !isWildcard(name),
  );
  return ensureServerCertificate({
    dir: join(options.dataDir, "tls"),
    owner: "Sallyport primary",
    hostNames: [...new Set([...names, "localhost", "127.0.0.1"])],
    nowMs: clock.nowMs(),
  });
}

/** Whether an address stands for every address of the machine; it is the name of none. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/**
 * Opens the repositories that there are: the one on this machine before the first request, those of servers beside it.
 * One that can't be used now must not keep the primary down: each job tries again, and says why it fails.
 */
async function openAtStart(units: StorageUnits, log: Logger): Promise<void> {
  const open = async (name: string) => {
    const unit = units.get(name);
    if (!unit.isInitialised) return;
    await unit
      .ready()
      .catch((error: unknown) => log.error({ err: error, storageUnit: name }, "storage.unusable"));
  };
  const opening = units.names().map((name) => ({ name, done: open(name) }));
  await opening.find(({ name }) => name === defaultStorageUnit)?.done;
}
