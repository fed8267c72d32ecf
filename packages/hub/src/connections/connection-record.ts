import type { CloseInfo } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { KnownData, KnownType } from "../log/known-events.ts";
import type { Recorder } from "../log/recorder.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { PrimaryConnection } from "./registry.ts";
import type { refusalReasons } from "./connection-events.ts";
import type { SharingSign } from "./takeover.ts";

/** Who was refused. */
export interface Refusal {
  primaryId: string;
  groupId: string;
  tokenId: string;
  remoteAddress: string;
  trackingId: string;
  why: (typeof refusalReasons)[number];
}

/** What the record needs. */
export interface ConnectionRecordOptions {
  recorder: Pick<Recorder, "record">;
  logger: Logger;
  /** Epoch ms. */
  now: () => number;
}

/** Refusals of one token are written down at most this often; those in between are counted. */
const refusalPauseMs = 600_000;
/** Tokens whose refusals are counted; the one that was refused longest ago is forgotten first. */
const maxRefusedTokens = 10_000;

/** Writes down what happens to connections. Nobody waits for it: what can't be written is logged, and connections go on. */
export class ConnectionRecord {
  readonly #options: ConnectionRecordOptions;
  readonly #recording = new Set<Promise<void>>();
  readonly #refusals = new BoundedMap<string, { notedAtMs: number; since: number }>(maxRefusedTokens);

  constructor(options: ConnectionRecordOptions) {
    this.#options = options;
  }

  /** A connection is in use. Resolves when that is written down. */
  connected(connection: PrimaryConnection, epoch: number, after: Promise<void> | undefined): Promise<void> {
    const data = { ...identityOf(connection), epoch };
    this.#options.logger.info(fieldsOf(data), "connection.connected");
    return this.#record("sallyport.connection.connected", data, after);
  }

  /** A connection has ended. */
  disconnected(
    connection: PrimaryConnection,
    epoch: number,
    { code, reason }: CloseInfo,
    after: Promise<void>,
  ): void {
    const data = {
      ...identityOf(connection),
      epoch,
      connectedAt: new Date(connection.connectedAtMs).toISOString(),
      lastSeenAt: new Date(connection.lastSeenAtMs).toISOString(),
      closeCode: code,
      closeReason: reason,
    };
    // Told when it is written down: who reads it here finds it in the API too.
    void this.#record("sallyport.connection.disconnected", data, after).then(() =>
      this.#options.logger.info({ ...fieldsOf(data), code, reason }, "connection.disconnected"),
    );
  }

  /** A hub that was killed could not write down the end of a connection. Resolves when it is. */
  async leftOver(began: KnownData<"sallyport.connection.connected">, time: string): Promise<void> {
    const closeReason = "the hub ended without closing it";
    const data = { ...began, connectedAt: time, lastSeenAt: time, closeCode: 1006, closeReason };
    await this.#options.recorder.record("sallyport.connection.disconnected", `/primaries/${began.id}`, data);
  }

  /** A token that is known was refused. One that is tried again and again is counted. */
  refused({ primaryId: id, ...refusal }: Refusal): void {
    const { logger, now } = this.#options;
    const { groupId, tokenId, remoteAddress, trackingId, why } = refusal;
    logger.warn({ primary: id, groupId, tokenId, remoteAddress, trackingId, why }, "connection.refused");
    const key = `${tokenId} ${why}`;
    const { notedAtMs, since } = this.#refusals.get(key) ?? { notedAtMs: -Infinity, since: 0 };
    const isDue = now() - notedAtMs >= refusalPauseMs;
    this.#refusals.set(key, isDue ? { notedAtMs: now(), since: 0 } : { notedAtMs, since: since + 1 });
    if (isDue) void this.#record("sallyport.refusal", { id, ...refusal, count: since + 1 });
  }

  /** One token seems to be used by two. */
  shared(connection: PrimaryConnection, sign: SharingSign, addresses: readonly string[]): void {
    const { id, groupId, trackingId } = identityOf(connection);
    const { tokenId } = connection.identity;
    const data = { id, groupId, tokenId, trackingId, sign, addresses: [...new Set(addresses)] };
    this.#options.logger.warn({ ...fieldsOf(data), tokenId, sign, addresses }, "token.shared");
    void this.#record("sallyport.primary.token.shared", data);
  }

  /** Resolves when all that has happened is in the log. */
  async settled(): Promise<void> {
    while (this.#recording.size > 0) await Promise.all(this.#recording);
  }

  #record<T extends KnownType>(
    type: T,
    data: KnownData<T> & { id: string },
    after?: Promise<void>,
  ): Promise<void> {
    const { recorder, logger } = this.#options;
    const recording = (async () => {
      await after;
      try {
        await recorder.record(type, `/primaries/${data.id}`, data);
      } catch (error) {
        logger.error({ err: error, primary: data.id, type }, "connection.not_recorded");
      }
    })();
    this.#recording.add(recording);
    void recording.then(() => this.#recording.delete(recording));
    return recording;
  }
}

function identityOf({ identity, remoteAddress, trackingId }: PrimaryConnection) {
  const { primaryId: id, groupId, tokenId } = identity;
  return { id, groupId, remoteAddress, trackingId, tokenId };
}

function fieldsOf(data: { id: string; groupId: string; trackingId: string | null; epoch?: number }) {
  const { id: primary, groupId, trackingId, epoch } = data;
  return { primary, groupId, epoch, trackingId };
}
