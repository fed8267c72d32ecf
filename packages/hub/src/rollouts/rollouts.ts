import type { Command } from "@sallyport/nbwss";
import type { Access } from "../access/access.ts";
import { covers, type Caller } from "../access/roles.ts";
import type { NewRollout } from "../api/rollouts-schemas.ts";
import type { HubLimits } from "../config/limits.ts";
import { HubError } from "../errors.ts";
import { toCommandHeaders } from "../gateway/headers.ts";
import { requireNormalised } from "../gateway/uri.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import type { RolloutAnnouncer } from "./rollout-announcer.ts";
import type { RolloutRow } from "./rollout-rows.ts";
import type { RolloutRunner } from "./rollout-runner.ts";
import type { Hidden, RolloutStore } from "./rollout-store.ts";

/** What the rollouts need. */
export interface RolloutsOptions {
  store: RolloutStore;
  runner: Pick<RolloutRunner, "wake" | "abort">;
  announcer: Pick<RolloutAnnouncer, "announce">;
  access: Pick<Access, "requirePrimary" | "visiblePrimaries">;
  primaries: Pick<PrimariesView, "list">;
  limits: Pick<
    HubLimits,
    "maxRolloutTargets" | "defaultStoredCommandTimeoutMs" | "maxStoredCommandTimeoutMs"
  >;
  newId: () => string;
}

/** Creates rollouts, and pauses, resumes and aborts them, for callers with a scope. */
export class Rollouts {
  readonly #options: RolloutsOptions;

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  /**
   * The primaries that a new rollout would reach, by name.
   * @throws HubError `no_such_primary` for an id that the caller may not see; `bad_request` when there is none at all, or something else is
   *   wrong with the rollout; `limit_reached` when they are too many
   */
  reach(caller: Caller, wanted: NewRollout): PrimaryRecord[] {
    const { access, primaries, limits } = this.#options;
    commandOf(wanted);
    this.#timeoutOf(wanted);
    const { primaries: chosen } = wanted;
    const found =
      chosen.kind === "primaries"
        ? [...new Set(chosen.ids)].map((id) => access.requirePrimary(caller, id))
        : primaries.list().filter((primary) => covers(chosen, primary) && covers(caller.scope, primary));
    if (found.length === 0) {
      throw new HubError("bad_request", "primaries: none that you may use is chosen by this");
    }
    if (found.length > limits.maxRolloutTargets) {
      const message = `primaries: ${found.length} are chosen; one rollout reaches ${limits.maxRolloutTargets} at most, so make several by labels`;
      throw new HubError("limit_reached", message);
    }
    return found;
  }

  /**
   * Creates a rollout; it runs from then on.
   * @throws HubError as `reach`; `limit_reached` when too many have not ended
   */
  async create(caller: Caller, wanted: NewRollout): Promise<RolloutRow> {
    const { store, runner, announcer, newId } = this.#options;
    const reached = this.reach(caller, wanted);
    const { name, ratePerMinute, maxRunning, windows, abortWhen = null } = wanted;
    const row = store.create({
      id: newId(),
      name,
      caller,
      command: commandOf(wanted),
      rules: { ratePerMinute, maxRunning, windows, abortWhen },
      timeoutMs: this.#timeoutOf(wanted),
      primaries: reached.map(({ id }) => id),
    });
    // What can't be announced now is announced later.
    await announcer.announce();
    runner.wake();
    return store.require(row.id, []);
  }

  /** The primaries that a caller may not see; a rollout with one of them is not shown. One that was deleted hides nothing. */
  hiddenFrom(caller: Caller): Hidden {
    const { access, primaries } = this.#options;
    const visible = access.visiblePrimaries(caller);
    if (visible === "all") return [];
    return primaries.list().flatMap(({ id }) => (visible.has(id) ? [] : [id]));
  }

  /** @throws HubError `no_such_rollout` */
  require(caller: Caller, id: string): RolloutRow {
    return this.#options.store.require(id, this.hiddenFrom(caller));
  }

  /** Starts no more targets; what is started goes on. @throws HubError `no_such_rollout`, `rollout_ended` */
  pause(caller: Caller, id: string): RolloutRow {
    const row = this.#requireOpen(caller, id);
    if (row.state === "running") this.#options.store.setState(row, "paused", `paused by ${caller.name}`);
    return this.require(caller, id);
  }

  /** Goes on with a paused one. @throws HubError `no_such_rollout`, `rollout_ended` */
  resume(caller: Caller, id: string): RolloutRow {
    const row = this.#requireOpen(caller, id);
    if (row.state === "paused") this.#options.store.setState(row, "running", null);
    this.#options.runner.wake();
    return this.require(caller, id);
  }

  /** Ends one before its time; one that was aborted stays as it is. @throws HubError `no_such_rollout`, `rollout_ended` */
  abort(caller: Caller, id: string): RolloutRow {
    if (this.require(caller, id).state !== "aborted") {
      this.#options.runner.abort(this.#requireOpen(caller, id), `aborted by ${caller.name}`);
    }
    return this.require(caller, id);
  }

  #requireOpen(caller: Caller, id: string): RolloutRow {
    const row = this.require(caller, id);
    if (row.state === "running" || row.state === "paused") return row;
    throw new HubError("rollout_ended", `the rollout is ${row.state} already; create another one`);
  }

  #timeoutOf({ timeoutMs }: NewRollout): number {
    const { defaultStoredCommandTimeoutMs, maxStoredCommandTimeoutMs: maxMs } = this.#options.limits;
    if (timeoutMs === undefined) return defaultStoredCommandTimeoutMs;
    if (timeoutMs <= maxMs) return timeoutMs;
    throw new HubError("bad_request", `timeoutMs: has to be from 1000 to ${maxMs}`);
  }
}

/** @throws HubError `bad_request` for a path that is none for a primary, or headers that are not for it */
function commandOf({ command: { method, path: uri, headers, body } }: NewRollout): Command {
  const path = uri.split("?", 1)[0] ?? uri;
  requireNormalised({ primaryId: "", uri, path });
  if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) {
    const message =
      "command.headers: Authorization is the hub's own; store a credential for each primary, or send X-NetBackup-Authorization";
    throw new HubError("bad_request", message);
  }
  const command: Command = { uri, method, headers: toCommandHeaders(Object.entries(headers).flat()) };
  return body === undefined ? command : { ...command, parameters: body };
}
