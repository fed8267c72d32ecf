import { randomBytes } from "node:crypto";
import { hashSecret } from "../access/secret.ts";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { Views } from "../views/views.ts";
import type { DetailsStore, EndpointDetails } from "./details-store.ts";

/** What a primary is enrolled with. */
export interface NewPrimary {
  name: string;
  labels: Record<string, string>;
  groupId: string;
  priority: number;
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
  details: DetailsStore;
  /** Cuts the connections of a primary. */
  cut: (primaryId: string, code: number, reason: string) => void;
  newId: () => string;
  /** Where the hub is reached from outside. */
  publicUrl: () => URL;
}

/** Makes and removes primaries. */
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
    const { primaries, views, recorder, details, newId, publicUrl } = this.#options;
    views.requireCurrent();
    const { name, groupId, priority } = primary;
    if (this.#reserved.has(name) || primaries.findByName(name) !== undefined) {
      throw new HubError("name_taken", `there is a primary named "${name}" already; choose another name`);
    }
    const id = newId();
    const token = randomBytes(32).toString("base64");
    const url = publicUrl();
    const endpoint: EndpointDetails = {
      token,
      priority,
      groupId,
      hostName: url.hostname.replaceAll(/^\[|\]$/g, ""),
      url: `wss://${url.hostname}:${url.port === "" ? 443 : url.port}/nbwss`,
    };
    this.#reserved.add(name);
    try {
      const secret = this.#seal(id, endpoint);
      const data = { id, ...primary, tokenHash: hashSecret(token) };
      await recorder.record("sallyport.primary.enrolled", `/primaries/${id}`, data);
      const detailsUrl = new URL(`/api/v1/endpoint-details/${secret}`, url).href;
      return { id, name, endpoint, detailsUrl };
    } catch (error) {
      details.dropFor(id);
      throw error;
    } finally {
      this.#reserved.delete(name);
    }
  }

  /**
   * Removes a primary: its token is worth nothing from now on, and its connection is cut.
   * @throws HubError `no_such_primary`, `log_failed` or `log_busy`
   */
  async remove(id: string): Promise<void> {
    const { primaries, recorder, details, cut } = this.#options;
    const { name } = requirePrimary(primaries, id);
    await recorder.record("sallyport.primary.deleted", `/primaries/${id}`, { id, name });
    cut(id, 1008, "token revoked");
    details.dropFor(id);
  }

  /**
   * Gives the endpoint details behind a details URL, once.
   * @throws HubError `no_such_details` when the secret is unknown, used or too old
   */
  async takeDetails(secret: string, remoteAddress: string): Promise<EndpointDetails> {
    const { details, recorder, primaries } = this.#options;
    const found = details.take(secret);
    if (found === undefined || primaries.get(found.primaryId) === undefined) {
      const message = "this address is unknown, was used already, or is too old; enrol the primary again";
      throw new HubError("no_such_details", message);
    }
    const { primaryId: id } = found;
    await recorder.record("sallyport.primary.details.fetched", `/primaries/${id}`, { id, remoteAddress });
    return found.details;
  }

  #seal(id: string, endpoint: EndpointDetails): string {
    try {
      return this.#options.details.put(id, endpoint);
    } catch (cause) {
      const message = "the endpoint details can't be kept; is the disk full?";
      throw new HubError("log_failed", message, { cause, retryAfterS: 5 });
    }
  }
}

/**
 * The primary of this id.
 * @throws HubError `no_such_primary`
 */
export function requirePrimary(primaries: PrimariesView, id: string): PrimaryRecord {
  const primary = primaries.get(id);
  if (primary === undefined) throw new HubError("no_such_primary", "there is no primary of this id");
  return primary;
}
