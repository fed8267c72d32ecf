import type { AuditEvent } from "./audit-event.ts";

const minuteMs = 60_000;

/** Lets so many events of each minute through one by one, and counts the others by kind: a flood can't push what matters out of the audit. */
export class NoteLimit {
  readonly #perMinute: number;
  #minute = Number.NEGATIVE_INFINITY;
  #let = 0;
  #counts = new Map<string, number>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Whether this event goes through by itself. */
  takes(event: AuditEvent, nowMs: number): boolean {
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#let = 0;
    }
    this.#let += 1;
    if (this.#let <= this.#perMinute) return true;
    this.#counts.set(event.kind, (this.#counts.get(event.kind) ?? 0) + 1);
    return false;
  }

  /** Whether something was only counted. */
  get hasCounted(): boolean {
    return this.#counts.size > 0;
  }

  /** What was only counted since the last call, as events with a count. */
  counted(): AuditEvent[] {
    const events = [...this.#counts].map(([kind, count]) => ({
      kind,
      count,
      reason: "more than are kept one by one",
    }));
    this.#counts = new Map();
    return events;
  }
}
