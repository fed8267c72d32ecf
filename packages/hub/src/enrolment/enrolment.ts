import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { Views } from "../views/views.ts";
import type { DetailsDesk } from "./details-desk.ts";
import type { EndpointDetails } from "./details-store.ts";
import type { PrimaryDialect } from "./dialect.ts";
import type { PublicAddresses } from "./public-addresses.ts";

/** What a primary is enrolled with. */
export interface NewPrimary {
  name: string;
  labels: Record<string, string>;
  groupId: string;
  priority: number;
}

/** What may be changed of a primary. */
export interface PrimaryChange {
  name?: string | undefined;
  /** All of them: those that are left out are gone. */
  labels?: Record<string, string> | undefined;
  /** Null to guess again. */
  dialect?: PrimaryDialect | null | undefined;
}

/** A primary that was just enrolled: the only time that its token can be read. */
export interface EnrolledPrimary {
  id: string;
  name: string;
  endpoint: EndpointDetails;
  /** Gives `endpoint` once, without a key, within an hour. */
  detailsUrl: string;
}

/** What enrolment needs. */
export interface EnrolmentOptions {
  primaries: PrimariesView;
  views: Pick<Views, "requireCurrent">;
  recorder: Recorder;
  desk: DetailsDesk;
  addresses: PublicAddresses;
  /** The primary was removed: cuts its connections. */
  cut: (primaryId: string) => void;
  /** The primary's dialect was changed. */
  dialectChanged: (primary: PrimaryRecord) => void;
  newId: () => string;
}

/** Makes, changes and removes primaries. */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** Names of primaries that are on their way into the log. */
  readonly #reserved = new Set<string>();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * Enrols a primary with a token of its own.
   * @throws HubError `name_taken`, `views_behind`, `log_failed` or `log_busy`
   */
  async enrol(primary: NewPrimary): Promise<EnrolledPrimary> {
    const { recorder, desk, addresses, newId } = this.#options;
    return this.#withName(primary.name, undefined, async () => {
      const id = newId();
      const { address } = addresses.main;
      const { endpoint, detailsUrl, tokenHash, withdraw } = desk.issue(id, primary, addresses.main);
      try {
        const data = { id, ...primary, address, tokenHash };
        await recorder.record("sallyport.primary.enrolled", `/primaries/${id}`, data);
      } catch (error) {
        withdraw();
        throw error;
      }
      return { id, name: primary.name, endpoint, detailsUrl };
    });
  }

  /**
   * Changes name, labels or dialect; the dialect holds at once, for connections that are there too.
   * @throws HubError `no_such_primary`, `name_taken`, `views_behind`, `log_failed` or `log_busy`
   */
  async change(id: string, change: PrimaryChange): Promise<PrimaryRecord> {
    const { primaries, recorder, dialectChanged } = this.#options;
    const before = requirePrimary(primaries, id);
    const write = async () => {
      await recorder.record("sallyport.primary.changed", `/primaries/${id}`, { id, ...change });
    };
    if (change.name === undefined || change.name === before.name) await write();
    else await this.#withName(change.name, id, write);
    const after = requirePrimary(primaries, id);
    if (change.dialect !== undefined) dialectChanged(after);
    return after;
  }

  /**
   * Removes a primary: its tokens are worth nothing from now on, and its connections are cut.
   * @throws HubError `no_such_primary`, `log_failed` or `log_busy`
   */
  async remove(id: string): Promise<void> {
    const { primaries, recorder, desk, cut } = this.#options;
    const { name } = requirePrimary(primaries, id);
    const source = `/primaries/${id}`;
    const deleted = recorder.eventOf("sallyport.primary.deleted", source, { id, name });
    await recorder.append([deleted], { kind: "forget", source });
    cut(id);
    desk.dropFor(id);
  }

  /** Holds a name for as long as it is on its way into the log. */
  async #withName<T>(name: string, ownId: string | undefined, write: () => Promise<T>): Promise<T> {
    const { primaries, views } = this.#options;
    views.requireCurrent();
    const owner = primaries.findByName(name);
    if (this.#reserved.has(name) || (owner !== undefined && owner.id !== ownId)) {
      throw new HubError("name_taken", `there is a primary named "${name}" already; choose another name`);
    }
    this.#reserved.add(name);
    try {
      return await write();
    } finally {
      this.#reserved.delete(name);
    }
  }
}

/**
 * The primary of this id.
 * @throws HubError `no_such_primary`
 */
export function requirePrimary(primaries: Pick<PrimariesView, "get">, id: string): PrimaryRecord {
  const primary = primaries.get(id);
  if (primary === undefined) throw new HubError("no_such_primary", "there is no primary of this id");
  return primary;
}
