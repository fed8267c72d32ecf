import { randomBytes } from "node:crypto";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { ApiKeyRecord, ApiKeysView } from "../views/api-keys.ts";
import type { Views } from "../views/views.ts";
import type { Administrators } from "./administrators.ts";
import type { ApiKeyUsage } from "./api-key-usage.ts";
import { isWithin, requireGrantable, type Caller, type Role, type Scope } from "./roles.ts";
import { hashSecret } from "./secret.ts";
import type { Sessions } from "./sessions.ts";

/** What an API key is made with. */
export interface NewApiKey {
  name: string;
  role: Role;
  scope: Scope;
  /** ISO 8601; null for one that does not expire. */
  expiresAt: string | null;
}

/** What the API keys need. */
export interface ApiKeysOptions {
  apiKeys: Pick<ApiKeysView, "list" | "get">;
  administrators: Administrators;
  views: Pick<Views, "requireCurrent">;
  recorder: Pick<Recorder, "record">;
  usage: Pick<ApiKeyUsage, "of" | "forget">;
  sessions: Pick<Sessions, "endAllOf">;
  maxApiKeys: number;
  newId: () => string;
  /** Epoch ms. */
  now: () => number;
}

/** Makes an API key: 256 random bits behind a word that scanners for leaked secrets can look for. */
export function newApiKey(): string {
  return `sallyport_${randomBytes(32).toString("base64url")}`;
}

/** Makes, shows and revokes API keys; everybody sees those whose scope is within their own. */
export class ApiKeys {
  readonly #options: ApiKeysOptions;

  constructor(options: ApiKeysOptions) {
    this.#options = options;
  }

  /** Those that the caller may see, by name. */
  list(caller: Caller): ApiKeyRecord[] {
    const { apiKeys } = this.#options;
    return apiKeys
      .list()
      .filter(({ scope }) => isWithin(scope, caller.scope))
      .map((key) => this.#withUse(key));
  }

  /** @throws HubError `no_such_key`, also for one outside the caller's scope */
  get(caller: Caller, id: string): ApiKeyRecord {
    const key = this.#options.apiKeys.get(id);
    if (key !== undefined && isWithin(key.scope, caller.scope)) return this.#withUse(key);
    throw new HubError("no_such_key", "there is no API key of this id");
  }

  /**
   * Makes a key.
   * @returns its record and the key: the only time that it can be read
   * @throws HubError `forbidden` for more than the caller has, `name_taken`, `limit_reached`, `bad_request` when it would have expired
   *   already, `views_behind`, `log_failed` or `log_busy`
   */
  async create(caller: Caller, wanted: NewApiKey): Promise<{ record: ApiKeyRecord; key: string }> {
    const { administrators, apiKeys, views, recorder, maxApiKeys, newId, now } = this.#options;
    requireGrantable(caller, wanted);
    const { name, role, scope } = wanted;
    const expiresAt = wanted.expiresAt === null ? null : new Date(wanted.expiresAt).toISOString();
    if (expiresAt !== null && Date.parse(expiresAt) <= now()) {
      throw new HubError("bad_request", "expiresAt: has to be in the future");
    }
    return administrators.inTurn(async () => {
      views.requireCurrent();
      const all = apiKeys.list();
      if (all.some((key) => key.name === name)) {
        throw new HubError("name_taken", `there is an API key named "${name}" already; choose another name`);
      }
      if (all.length >= maxApiKeys) {
        throw new HubError("limit_reached", `there are ${all.length} API keys already; revoke some first`);
      }
      const id = newId();
      const key = newApiKey();
      const keyHash = hashSecret(key);
      const data = { id, name, role, scope, keyHash, expiresAt };
      await recorder.record("sallyport.api-key.created", `/api-keys/${id}`, data);
      // Not shown yet only when the views fell behind in this moment.
      const createdAt = new Date(now()).toISOString();
      const unseen = { ...data, createdAt, lastUsedAt: null, lastUsedFrom: null };
      return { record: apiKeys.get(id) ?? unseen, key };
    });
  }

  /**
   * Makes a key worth nothing, and ends the sessions that were started with it.
   * @throws HubError `no_such_key`, `last_administrator`, `views_behind`, `log_failed` or `log_busy`
   */
  revoke(caller: Caller, id: string): Promise<void> {
    const { administrators, views, recorder, usage, sessions } = this.#options;
    return administrators.inTurn(async () => {
      views.requireCurrent();
      this.get(caller, id);
      administrators.requireOther(id);
      await recorder.record("sallyport.api-key.revoked", `/api-keys/${id}`, { id });
      sessions.endAllOf({ kind: "api-key", id });
      usage.forget(id);
    });
  }

  #withUse(key: ApiKeyRecord): ApiKeyRecord {
    return { ...key, ...this.#options.usage.of(key) };
  }
}
