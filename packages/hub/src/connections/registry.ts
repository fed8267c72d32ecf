import { closeCodes, type CloseInfo, type EndpointConnection, type PeerDialect } from "@sallyport/nbwss";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { LivePrimary } from "../views/primaries-page.ts";
import { isGood, type PrimaryTokensView } from "../views/primary-tokens.ts";
import type { TimelineView } from "../views/timeline.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { ConnectionRecord } from "./connection-record.ts";
import { summaryOfLast, summaryOfLive, type ConnectionSummary } from "./connection-summary.ts";
import type { Identity } from "./identity.ts";
import { judgeArrival, takeoverRules, type TokenHistory } from "./takeover.ts";

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
  primaries: Pick<PrimariesView, "get" | "lastEpoch">;
  tokens: Pick<PrimaryTokensView, "get">;
  timeline: Pick<TimelineView, "open">;
  record: ConnectionRecord;
  /** Epoch ms. */
  now: () => number;
  limits: { pingIntervalMs: number; maxPongDelayMs: number; maxWatchedTokens: number };
}

/** What a connection with a token that is worth nothing any more is closed with. */
const revoked = "token revoked";
/** How long a primary whose token was revoked may take to answer the close, ms; then it is cut off: all within a second. */
const revocationMs = 500;

/**
 * The connections there are: one for each primary and group, the newest. A newer one takes over, and the older is closed
 * (NBWSS, CONNECT). Each has a number, its epoch, that grows also across restarts, so that what comes late of an older one
 * changes nothing.
 */
export class Registry {
  readonly #options: RegistryOptions;
  /** By primary, then by group. */
  readonly #live = new Map<string, Map<string, Live>>();
  readonly #histories: BoundedMap<string, TokenHistory>;
  #established = 0;
  #epoch: number;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#histories = new BoundedMap(options.limits.maxWatchedTokens);
    this.#epoch = options.primaries.lastEpoch();
  }

  /** How many connections are in use. */
  get established(): number {
    return this.#established;
  }

  /** Writes down the end of connections that a hub which was killed could not. */
  async recordLeftOver(): Promise<void> {
    const { timeline, record } = this.#options;
    for (const { data, time } of timeline.open()) await record.leftOver(data, time);
  }

  /** Takes a connection into use, or turns it away. */
  add(connection: PrimaryConnection): void {
    const { record, primaries, tokens, now } = this.#options;
    const { primaryId, groupId, tokenId } = connection.identity;
    const primary = primaries.get(primaryId);
    const token = tokens.get(tokenId);
    // It may have been revoked while it was checked.
    if (primary === undefined || token === undefined || !isGood(token, now())) {
      connection.close(1008, revoked, revocationMs);
      return;
    }
    const older = this.#live.get(primaryId)?.get(groupId);
    if (this.#judge(connection, older) === "hold") {
      connection.close(closeCodes.tokenInUse, "token in use from another place");
      const { remoteAddress, trackingId } = connection;
      record.refused({ primaryId, groupId, tokenId, remoteAddress, trackingId, why: "token_in_use" });
      return;
    }
    connection.dialect = toPeerDialect(primary);
    this.#epoch += 1;
    const epoch = this.#epoch;
    const recorded = record.connected(connection, epoch, older?.recorded);
    const live = { connection, epoch, recorded };
    const groups = this.#live.get(primaryId) ?? new Map<string, Live>();
    this.#live.set(primaryId, groups.set(groupId, live));
    this.#established += older === undefined ? 1 : 0;
    older?.connection.close(1000, "superseded");
    void connection.closed.then((info) => this.#remove(live, info));
  }

  /**
   * The connection that commands for a primary take; undefined when it has none on which it answers. Of several groups the one with
   * the preferred endpoint is taken, of equal ones the newest. What it returns speaks the primary's dialect.
   */
  find(primary: Pick<PrimaryRecord, "id">): PrimaryConnection | undefined {
    return this.#best(primary.id, (connection) => this.#isHealthy(connection))?.connection;
  }

  /** All connections that are in use. */
  connections(): PrimaryConnection[] {
    return this.#all().map(({ connection }) => connection);
  }

  /** Closes whatever connections a primary has: it was removed. */
  cut(primaryId: string): void {
    for (const { connection } of this.#live.get(primaryId)?.values() ?? []) {
      connection.close(1008, revoked, revocationMs);
    }
  }

  /** Closes the connections that a token was used for: it was revoked, or its overlap is over. */
  cutToken(tokenId: string): void {
    this.#histories.delete(tokenId);
    const { primaryId = "" } = this.#options.tokens.get(tokenId) ?? {};
    for (const { connection } of this.#live.get(primaryId)?.values() ?? []) {
      if (connection.identity.tokenId === tokenId) connection.close(1008, revoked, revocationMs);
    }
  }

  /** Has a primary's connections speak its dialect from now on. */
  setDialect(primary: PrimaryRecord): void {
    for (const { connection } of this.#live.get(primary.id)?.values() ?? []) {
      connection.dialect = toPeerDialect(primary);
    }
  }

  /** Forgets what was noticed of a primary's tokens, so that it is noticed anew. */
  forgetSharing(tokenId: string): void {
    this.#histories.delete(tokenId);
  }

  /** How a primary's connection stands: of several, the one that commands take. */
  summaryOf(primary: PrimaryRecord): ConnectionSummary {
    const healthy = this.find(primary);
    if (healthy !== undefined) return summaryOfLive(healthy, true);
    const stale = this.#best(primary.id, () => true);
    return stale === undefined ? summaryOfLast(primary) : summaryOfLive(stale.connection, false);
  }

  /** How a primary stands in one of its groups. */
  stateIn(primaryId: string, groupId: string): "connected" | "stale" | "disconnected" {
    const connection = this.#live.get(primaryId)?.get(groupId)?.connection;
    if (connection?.isOpen !== true) return "disconnected";
    return this.#isHealthy(connection) ? "connected" : "stale";
  }

  /** The connection that a token is used for at this moment. */
  userOf(tokenId: string): PrimaryConnection | undefined {
    const { primaryId = "" } = this.#options.tokens.get(tokenId) ?? {};
    const groups = [...(this.#live.get(primaryId)?.values() ?? [])];
    return groups.find(({ connection }) => connection.identity.tokenId === tokenId)?.connection;
  }

  /** How those primaries stand that have a connection. */
  livePrimaries(): LivePrimary[] {
    return [...this.#live.keys()].flatMap((id): LivePrimary[] => {
      const best = this.#best(id, (connection) => this.#isHealthy(connection)) ?? this.#best(id, () => true);
      if (best === undefined) return [];
      const state = this.#isHealthy(best.connection) ? "connected" : "stale";
      return [[id, state, new Date(best.connection.lastSeenAtMs).toISOString()]];
    });
  }

  /** Resolves when all that has happened is in the log. */
  settled(): Promise<void> {
    return this.#options.record.settled();
  }

  #judge(connection: PrimaryConnection, older: Live | undefined): "take" | "hold" {
    const { record, now, limits } = this.#options;
    const { tokenId } = connection.identity;
    const { remoteAddress: address } = connection;
    const rival = older?.connection;
    const isSame = rival?.identity.tokenId === tokenId && rival.isOpen;
    const before = this.#histories.get(tokenId);
    const verdict = judgeArrival(
      before,
      {
        address,
        atMs: now(),
        older: isSame ? { address: rival.remoteAddress, lastSeenAtMs: rival.lastSeenAtMs } : undefined,
      },
      { ...takeoverRules, aliveWithinMs: limits.pingIntervalMs },
    );
    this.#histories.set(tokenId, verdict.history);
    if (verdict.sign !== undefined && verdict.isToBeNoted) {
      const former = verdict.history.formerAddress;
      const others = [rival?.remoteAddress, former].filter((other) => other !== undefined);
      record.shared(connection, verdict.sign, [address, ...others]);
    }
    return verdict.decision;
  }

  /** Whether a primary has answered the last ping, or has still time to. */
  #isHealthy({ isOpen, lastSeenAtMs }: PrimaryConnection): boolean {
    const { now, limits } = this.#options;
    return isOpen && now() - lastSeenAtMs <= limits.pingIntervalMs + limits.maxPongDelayMs;
  }

  #best(primaryId: string, isFit: (connection: PrimaryConnection) => boolean): Live | undefined {
    const groups = this.#live.get(primaryId);
    if (groups === undefined) return undefined;
    // Nearly all have one: the path of every command.
    const [only] = groups.values();
    if (groups.size === 1)
      return only?.connection.isOpen === true && isFit(only.connection) ? only : undefined;
    const fit = [...groups.values()].filter(({ connection }) => connection.isOpen && isFit(connection));
    return fit.sort((a, b) => this.#priorityOf(a) - this.#priorityOf(b) || b.epoch - a.epoch)[0];
  }

  #priorityOf({ connection }: Live): number {
    return this.#options.tokens.get(connection.identity.tokenId)?.priority ?? Infinity;
  }

  #all(): Live[] {
    return [...this.#live.values()].flatMap((groups) => [...groups.values()]);
  }

  #remove(live: Live, info: CloseInfo): void {
    const { connection, epoch, recorded } = live;
    const { primaryId, groupId } = connection.identity;
    const groups = this.#live.get(primaryId);
    if (groups?.get(groupId) === live) {
      groups.delete(groupId);
      this.#established -= 1;
      if (groups.size === 0) this.#live.delete(primaryId);
    }
    this.#options.record.disconnected(connection, epoch, info, recorded);
  }
}

function toPeerDialect({ dialect }: PrimaryRecord): PeerDialect {
  return { ...dialect };
}
