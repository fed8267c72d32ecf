import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { CloudApplication, type Job } from "../client/cloud-application.ts";
import { HubClient, type HubOptions } from "../client/hub-client.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine } from "../output/print.ts";
import { formatBytes, Progress } from "../output/progress.ts";
import { withHubOptions } from "./hub-options.ts";
import { loginThrough, withPrimaryLogin, type PrimaryLogin } from "./primary-login.ts";

/** What every command takes that orders jobs at a primary. */
export interface OrderOptions extends HubOptions, PrimaryLogin {
  json: boolean;
  wait: boolean;
  ticket?: string;
}

const pollMs = 1_000;
/** NetBackup: the requested operation was partially successful. */
const partial = 1;

/** Adds the options of a command that orders jobs. */
export function withOrderOptions(command: Command): Command {
  return withPrimaryLogin(withHubOptions(command))
    .option("--no-wait", "do not wait until it is done")
    .option(
      "--ticket <id>",
      "the ticket, when the primary's guard has held this very order before and it was approved on premises",
    );
}

/** Opens one primary behind the hub, logged in where a user is named. */
export async function openApplication(
  primary: string,
  options: OrderOptions,
  work: (application: CloudApplication) => Promise<void>,
): Promise<void> {
  await using hub = HubClient.from(options);
  const { id } = await hub.findPrimary(primary);
  const application = new CloudApplication(hub, id);
  const token = await loginThrough(hub, id, options);
  if (token !== undefined) application.useToken(token);
  if (options.ticket !== undefined) application.useTicket(options.ticket);
  await work(application);
}

/**
 * Tells of jobs that were ordered, and unless `--no-wait` was said waits for their ends.
 * @throws Failure when one ends with a status above 1 (partially successful)
 */
export async function report(
  application: CloudApplication,
  { primary, title }: { primary: string; title: string },
  ids: readonly string[],
  options: OrderOptions,
): Promise<void> {
  if (!options.wait) {
    if (options.json) printJson({ jobs: ids });
    else for (const id of ids) printLine(`${title} job ${id} was started`);
    return;
  }
  const jobs: Job[] = [];
  for (const id of ids) jobs.push(await ended(application, title, id, options));
  if (options.json) printJson({ jobs });
  const bad = jobs.filter(({ attributes: { status = -1 } }) => status < 0 || status > partial);
  if (bad.length === 0) return;
  const list = bad.map(({ id, attributes: { status } }) => `job ${id} ended with status ${status}`);
  const logs = bad.map(({ id }) => `sallyport call ${primary} GET /admin/jobs/${id}/try-logs`);
  throw new Failure(`${list.join(", ")}; see: ${logs.join("; ")}`);
}

/** Ctrl-C ends the waiting, not the job. */
async function ended(
  application: CloudApplication,
  title: string,
  id: string,
  options: OrderOptions,
): Promise<Job> {
  using progress = options.json ? undefined : new Progress(`${title} job ${id}`);
  for (;;) {
    const job = await application.job(id);
    const {
      state,
      status,
      percentComplete = 0,
      numberOfFiles = 0,
      kilobytesTransferred = 0,
    } = job.attributes;
    const isDone = state === "DONE";
    const outcome = isDone ? `DONE with status ${status}` : state;
    progress?.update(
      isDone ? 100 : percentComplete,
      `${outcome}, ${numberOfFiles} files, ${formatBytes(kilobytesTransferred * 1024)}`,
    );
    if (isDone) return job;
    await pause(pollMs);
  }
}
