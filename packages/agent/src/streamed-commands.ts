import { finished, Readable } from "node:stream";
import { failureAnswer, type ServiceAnswer, type ServiceCommand } from "@sallyport/nbwss";

/** Bounds of commands whose body or answer streams. */
export interface StreamedCommandsBounds {
  maxStreamedCommands: number;
  maxStreamedCommandsPerGroup: number;
}

/** What a server group has of them. */
export interface StreamedCommandsStatus {
  streaming: number;
  /** Refused since the start, as all places were taken. */
  refused: number;
  /** Given up since the start, as the endpoint did not read them. */
  stalled: number;
}

/**
 * Gives each server group a share of the upstream's connections for bodies that flow through: however slowly a cloud reads, short commands and other
 * groups find connections left.
 */
export class StreamedCommands {
  readonly #bounds: StreamedCommandsBounds;
  readonly #groups = new Map<string, StreamedCommandsStatus>();

  constructor(bounds: StreamedCommandsBounds) {
    this.#bounds = bounds;
  }

  /** How a group stands. */
  of(groupId: string): StreamedCommandsStatus {
    let status = this.#groups.get(groupId);
    if (status === undefined) this.#groups.set(groupId, (status = { streaming: 0, refused: 0, stalled: 0 }));
    return status;
  }

  /** Notes that an answer was given up. */
  stalled(groupId: string): void {
    this.of(groupId).stalled += 1;
  }

  /** Carries a command out in a place of its group, if it takes one: before it is sent when its body streams, otherwise when its answer turns out to. */
  async run(
    groupId: string,
    command: ServiceCommand,
    execute: () => Promise<ServiceAnswer>,
  ): Promise<ServiceAnswer> {
    const isUpload = command.upload !== undefined;
    if (isUpload && !this.#take(groupId)) return this.#refusal(groupId);
    let isKept = false;
    try {
      const answer = await execute();
      if (!(answer.content instanceof Readable)) return answer;
      if (!isUpload && !this.#take(groupId)) {
        answer.content.destroy();
        return this.#refusal(groupId);
      }
      isKept = true;
      finished(answer.content, () => (this.of(groupId).streaming -= 1));
      return answer;
    } finally {
      if (isUpload && !isKept) this.of(groupId).streaming -= 1;
    }
  }

  #take(groupId: string): boolean {
    const { maxStreamedCommands, maxStreamedCommandsPerGroup } = this.#bounds;
    const all = [...this.#groups.values()].reduce((sum, { streaming }) => sum + streaming, 0);
    const status = this.of(groupId);
    if (all >= maxStreamedCommands || status.streaming >= maxStreamedCommandsPerGroup) return false;
    status.streaming += 1;
    return true;
  }

  #refusal(groupId: string): ServiceAnswer {
    this.of(groupId).refused += 1;
    const { maxStreamedCommands, maxStreamedCommandsPerGroup } = this.#bounds;
    const most = `${maxStreamedCommandsPerGroup} long bodies of this server group, or ${maxStreamedCommands} of all, are under way already`;
    return failureAnswer(503, 503, `${most}; try again later.`);
  }
}
