import type { CloseInfo, EndpointConnection } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Recorder } from "../log/recorder.ts";
import type { KnownData } from "../log/known-events.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { Identity } from "./identity.ts";

/** A primary's connection as the API shows it. */
export interface ConnectionSummary {
  state: "connected" | "disconnected" | "never";
  /** Since when, ISO 8601; null when never. */
  since: string | null;
  lastSeenAt: string | null;
  remoteAddress: string | null;
  closeCode: number | null;
  closeReason: string | null;
}

/** A connection that is in use. */
export type PrimaryConnection = EndpointConnection<Identity>;

interface Live {
  connection: PrimaryConnection;
  epoch: number;
  /** The append of its `connected`; `disconnected` goes after it. */
  recorded: Promise<void>;
}

/** What the registry needs. */
export interface RegistryOptions {
  primaries: Pick<PrimariesView, "get" | "list">;
  recorder: Recorder;
  logger: Logger;
}

/**
 * The connections there are: one for each primary and group, the newest. A newer one takes over, and the older is closed
 * (NBWSS, CONNECT). Each has a number, its epoch, that grows also across restarts, so that what comes late of an older one
 * changes nothing.
 */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #live = new Map<string, Live>();
  readonly #recording = new Set<Promise<void>>();
  #epoch: number;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#epoch = Math.max(0, ...options.primaries.list().map((p) => p.lastConnection?.epoch ?? 0));
  }

  /** Connections that are in use. */
  get established(): number {
    return this.#live.size;
  }

  /** Writes down the end of connections that a hub which was killed could not. */
  async recordLeftOver(): Promise<void> {
    for (const { id, groupId, lastConnection } of this.#options.primaries.list()) {
      if (lastConnection?.isOpen !== true) continue;
      const { epoch, remoteAddress, lastSeenAt } = lastConnection;
      await this.#options.recorder.record("sallyport.connection.disconnected", `/primaries/${id}`, {
        id,
        groupId,
        epoch,
        remoteAddress,
        lastSeenAt,
        closeCode: 1006,
        closeReason: "the hub ended without closing it",
      });
    }
  }

  /** Takes a connection into use. */
  add(connection: PrimaryConnection): void {
    const { identity, remoteAddress } = connection;
    const { primaryId: id, groupId } = identity;
    // It may have been deleted while its token was checked.
    if (this.#options.primaries.get(id)?.tokenHash !== identity.tokenHash) {
      connection.close(1008, "token revoked");
      return;
    }
    const key = keyOf(id, groupId);
    const older = this.#live.get(key);
    this.#epoch += 1;
    const epoch = this.#epoch;
    this.#options.logger.info({ primary: id, groupId, epoch, remoteAddress }, "connection.connected");
    const recorded = this.#record(
      "sallyport.connection.connected",
      { id, groupId, epoch, remoteAddress },
      older?.recorded,
    );
    const live = { connection, epoch, recorded };
    this.#live.set(key, live);
    older?.connection.close(1000, "superseded");
    void connection.closed.then((info) => this.#remove(key, live, info));
  }

  /** The connection that commands for a primary take; undefined when it has none. */
  find(primary: Pick<PrimaryRecord, "id" | "groupId">): PrimaryConnection | undefined {
    const connection = this.#live.get(keyOf(primary.id, primary.groupId))?.connection;
    return connection?.isOpen === true ? connection : undefined;
  }

  /** Closes whatever connections a primary has. */
  cut(primaryId: string, code: number, reason: string): void {
    for (const { connection } of this.#live.values()) {
      if (connection.identity.primaryId === primaryId) connection.close(code, reason);
    }
  }

  /** How a primary's connection stands. */
  summaryOf(primary: PrimaryRecord): ConnectionSummary {
    const connection = this.find(primary);
    if (connection !== undefined) {
      return {
        state: "connected",
        since: iso(connection.connectedAtMs),
        lastSeenAt: iso(connection.lastSeenAtMs),
        remoteAddress: connection.remoteAddress,
        closeCode: null,
        closeReason: null,
      };
    }
    const last = primary.lastConnection;
    return {
      state: last === undefined ? "never" : "disconnected",
      since: last?.since ?? null,
      lastSeenAt: last?.lastSeenAt ?? null,
      remoteAddress: last?.remoteAddress ?? null,
      closeCode: last?.closeCode ?? null,
      closeReason: last?.closeReason ?? null,
    };
  }

  /** Resolves when all that has happened is in the log. */
  async settled(): Promise<void> {
    while (this.#recording.size > 0) await Promise.all(this.#recording);
  }

  #remove(key: string, live: Live, info: CloseInfo): void {
    const { connection, epoch, recorded } = live;
    if (this.#live.get(key) === live) this.#live.delete(key);
    const { remoteAddress, lastSeenAtMs, identity } = connection;
    const { primaryId: id, groupId } = identity;
    const fields = { primary: id, groupId, epoch, code: info.code, reason: info.reason };
    this.#options.logger.info(fields, "connection.disconnected");
    const lastSeenAt = iso(lastSeenAtMs);
    const data = {
      id,
      groupId,
      epoch,
      remoteAddress,
      lastSeenAt,
      closeCode: info.code,
      closeReason: info.reason,
    };
    void this.#record("sallyport.connection.disconnected", data, recorded);
  }

  /** Never rejects: what could not be written down is logged, and the connection goes on. */
  #record(...[type, data, after]: RecordArguments): Promise<void> {
    const { recorder, logger } = this.#options;
    const recording = (async () => {
      await after;
      try {
        if (type === "sallyport.connection.connected")
          await recorder.record(type, `/primaries/${data.id}`, data);
        else await recorder.record(type, `/primaries/${data.id}`, data);
      } catch (error) {
        logger.error({ err: error, primary: data.id, type }, "connection.not_recorded");
      }
    })();
    this.#recording.add(recording);
    void recording.then(() => this.#recording.delete(recording));
    return recording;
  }
}

type Recorded = "sallyport.connection.connected" | "sallyport.connection.disconnected";
type RecordArguments = {
  [T in Recorded]: [type: T, data: KnownData<T>, after?: Promise<void> | undefined];
}[Recorded];

function keyOf(primaryId: string, groupId: string): string {
  return `${primaryId}\n${groupId}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
