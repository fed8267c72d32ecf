// What the tests of sources share: a foreign NetBackup, and sources that read it into an outbox.
import { join } from "node:path";
import { openDatabase } from "@sallyport/durable";
import { systemClock } from "@sallyport/nbwss";
import { pino } from "pino";
import { foreignKey, startForeignNetBackup } from "../../../../tests/kit/foreign-netbackup.ts";
import { temporaryFolder } from "../../../../tests/kit/folder.ts";
import { defaultAgentLimits, outboxBounds, defaultPollingLimits, type PollingLimits } from "../limits.ts";
import { Outbox } from "../outbox/outbox.ts";
import { ImageSource } from "../sources/image-source.ts";
import { JobSource } from "../sources/job-source.ts";
import { SourceMarksStore } from "../sources/source-marks.ts";
import { UpstreamReader } from "../sources/upstream-reader.ts";
import { openUpstream } from "../upstream/upstream.ts";

/** A foreign NetBackup and sources in front of it, which a test lets read when it wants. */
export async function startPolledUpstream(
  terms: { apiVersion?: number; limits?: Partial<PollingLimits> } = {},
) {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(temporaryFolder());
  const foreign = starting.use(
    await startForeignNetBackup(terms.apiVersion === undefined ? {} : { apiVersion: terms.apiVersion }),
  );
  const database = starting.use(openDatabase({ path: join(folder.path, "agent.db"), migrations: [] }));
  const outbox = new Outbox(database, outboxBounds(defaultAgentLimits), () => {});
  outbox.setGroups(["cloud"]);
  const lines: { msg: string; [member: string]: unknown }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as { msg: string });
  const log = pino({ level: "debug" }, { write });
  const clock = systemClock;
  const upstream = openUpstream(
    { origin: foreign.origin, ca: [foreign.caPem], credential: { kind: "api-key", read: () => foreignKey } },
    defaultAgentLimits,
    { clock, log },
  );
  starting.defer(() => upstream.close());
  const { own } = upstream;
  if (own === undefined) throw new TypeError("the upstream was given a credential");
  const reader = new UpstreamReader({ executor: own, clock, pauseMs: 0 });
  const resync = { everyMs: 3_600_000 };
  const makeSources = (origin = foreign.origin) => {
    const parts = {
      database,
      outbox,
      marks: new SourceMarksStore(database, origin),
      reader,
      limits: { ...defaultPollingLimits, pageSize: 4, ...terms.limits },
      clock,
      log,
      resyncEveryMs: () => resync.everyMs,
    };
    return { jobs: new JobSource(parts), images: new ImageSource(parts) };
  };
  let toldUpTo = 0;
  const running = starting.move();
  return {
    foreign: foreign.state,
    outbox,
    reader,
    lines,
    resync,
    makeSources,
    ...makeSources(),
    signal: new AbortController().signal,
    /** What was told since the last time this was asked, in short: `7 ACTIVE`, `client_5 CREATE`. */
    told: (): string[] => {
      const items = outbox.read(toldUpTo, 100_000);
      toldUpTo = items.at(-1)?.position ?? toldUpTo;
      return items.flatMap(({ entry }) => entry.data.map(inShort));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** An item of a notification in a word or three. */
export function inShort(item: Record<string, unknown>): string {
  const { jobId, state, status, backupId, operationId } = item;
  const words =
    jobId === undefined ? [backupId, operationId] : [jobId, state, ...(status === 0 ? [] : [status])];
  return words.join(" ");
}
