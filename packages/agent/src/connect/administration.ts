import { z } from "zod";
import { checkInput } from "../endpoints/details.ts";
import type { EndpointStore } from "../endpoints/store.ts";
import { AgentError } from "../errors.ts";
import type { OutboxGap } from "../outbox/gaps.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { StreamedCommandsStatus } from "../streamed-commands.ts";
import type { FailBack } from "./choice.ts";
import type { Groups, GroupStatus } from "./groups.ts";

/** What the administration of connections works on. */
export interface ConnectionAdministrationOptions {
  store: EndpointStore;
  /** Undefined until the service has started. */
  groups: () => Groups | undefined;
  outbox: Outbox;
  /** What a group has of commands that stream. */
  streamed: (groupId: string) => StreamedCommandsStatus;
  /** Acts on a change at once. */
  changed: () => void;
}

/** A server group as it is listed. */
export interface ListedGroup extends GroupStatus {
  failBack: FailBack;
  /** Commands whose body or answer streams. */
  streamed: StreamedCommandsStatus;
  /** Notifications that it has not acknowledged. */
  waiting: number;
  /** Notifications that it will never get, because the outbox was full, or they were too large. */
  lost: number;
  /** Those of them that were too large. */
  tooLarge: number;
  /** The latest of its gaps. */
  gap?: Omit<OutboxGap, "groupId">;
}

const failBack = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("never") }),
  z.object({ mode: z.literal("when-idle") }),
  z.object({ mode: z.literal("after-stable"), minutes: z.int().min(1).max(10_080) }),
  z.object({ mode: z.literal("now") }),
]);
const rule = z.object({ failBack });
const reconnect = z.object({ groupId: z.string().optional(), force: z.boolean().default(false) });

/** Server groups, their rules, and new connections (ours; what NetBackup has is in EndpointAdministration). */
export class ConnectionAdministration {
  readonly #options: ConnectionAdministrationOptions;

  constructor(options: ConnectionAdministrationOptions) {
    this.#options = options;
  }

  /** All groups that have an endpoint. */
  list(): ListedGroup[] {
    const { store, groups, outbox, streamed } = this.#options;
    const running = new Map(
      groups()
        ?.status()
        .map((status) => [status.groupId, status]),
    );
    const idle = {
      connectedTo: undefined,
      trackingId: undefined,
      executing: 0,
      silentMs: undefined,
      ignored: 0,
    };
    return this.#groupIds().map((groupId) => ({
      ...(running.get(groupId) ?? { groupId, ...idle }),
      failBack: store.failBackOf(groupId),
      streamed: { ...streamed(groupId) },
      waiting: outbox.waiting(groupId),
      lost: outbox.gaps.lost(groupId) + outbox.tooLarge.count(groupId),
      tooLarge: outbox.tooLarge.count(groupId),
      ...gapOf(outbox, groupId),
    }));
  }

  /** @throws AgentError `invalid_details`, `group_unknown` */
  setFailBack(groupId: string, body: unknown): void {
    const input = checkInput(rule, body, "request");
    this.#requireGroup(groupId);
    this.#options.store.setFailBack(groupId, input.failBack);
    this.#options.changed();
  }

  /** Tries at once. @throws AgentError `invalid_details`, `group_unknown` */
  async reconnect(body: unknown): Promise<void> {
    const { groupId, force } = checkInput(reconnect, body, "request");
    if (groupId !== undefined) this.#requireGroup(groupId);
    await this.#options.groups()?.reconnect(force, groupId);
  }

  #groupIds(): string[] {
    return [...new Set(this.#options.store.list().map(({ groupId }) => groupId))];
  }

  #requireGroup(groupId: string): void {
    if (this.#groupIds().includes(groupId)) return;
    throw new AgentError("group_unknown", `no endpoint of a group "${groupId}" is saved`);
  }
}

function gapOf(outbox: Outbox, groupId: string): Pick<ListedGroup, "gap"> {
  const latest = outbox.gaps.latest(groupId);
  if (latest === undefined) return {};
  const { groupId: _group, ...gap } = latest;
  return { gap };
}
