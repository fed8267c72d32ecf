import type { Policy } from "../policies/policy.ts";
import type { Schedule } from "../policies/schedule.ts";
import { isRunDay, openWindows, recentWindows, type LocalTime, type OpenWindow } from "./calendar.ts";

/** What has happened to the backups of one client by one schedule. */
export interface ScheduleHistory {
  /** When the last one that made an image began, epoch ms; undefined: none has. */
  lastSuccessMs: number | undefined;
  /** When the last one ended without an image, epoch ms; undefined when one has succeeded since, or none has failed. */
  lastFailureMs: number | undefined;
}

/** Everything that the scheduler decides by. */
export interface SchedulerState {
  policies: readonly Policy[];
  /** Whether a backup of the client by the policy waits or runs. */
  isBusy: (policyName: string, clientName: string) => boolean;
  historyOf: (policyName: string, clientName: string, scheduleName: string) => ScheduleHistory;
}

/** The present moment and place, and how long a schedule is left alone after its tries have failed. */
export interface SchedulerRules {
  nowMs: number;
  local: LocalTime;
  holdAfterFailureMs: number;
}

/** A backup that is due. */
export interface DueBackup {
  policy: Policy;
  schedule: Schedule;
  clientName: string;
  /** When its start window closes, epoch ms. */
  windowEndMs: number;
}

const order = ["Full Backup", "Cumulative Incremental Backup", "Differential Incremental Backup"];
/** What a schedule without a type is. */
const defaultType = "Full Backup";

/**
 * Decides what has to be backed up now: for each client of each active policy at most one backup, and of several
 * schedules that are due the one that takes most (full before incremental, then the rarest).
 */
export function dueBackups(state: SchedulerState, rules: SchedulerRules): DueBackup[] {
  return state.policies
    .filter((policy) => isInForce(policy, rules.nowMs))
    .flatMap((policy) => {
      const clients = [...new Set(policy.clients.map(({ hostName }) => hostName))];
      return clients.flatMap((clientName) => {
        if (state.isBusy(policy.policyName, clientName)) return [];
        const due = policy.schedules
          .map((schedule) => ({
            schedule,
            window: dueWindow({ policy, schedule, clientName }, state, rules),
          }))
          .filter((one): one is { schedule: Schedule; window: OpenWindow } => one.window !== undefined)
          .toSorted(
            (a, b) =>
              rank(a.schedule) - rank(b.schedule) || frequencyOf(b.schedule) - frequencyOf(a.schedule),
          );
        const [first] = due;
        return first === undefined
          ? []
          : [{ policy, schedule: first.schedule, clientName, windowEndMs: first.window.closesMs }];
      });
    });
}

function isInForce({ policyAttributes, backupSelections }: Policy, nowMs: number): boolean {
  if (policyAttributes.active === false || backupSelections.selections.length === 0) return false;
  const from = Date.parse(policyAttributes.effectiveDateUTC ?? "");
  return Number.isNaN(from) || from <= nowMs;
}

interface Candidate {
  policy: Policy;
  schedule: Schedule;
  clientName: string;
}

/** The open window in which a schedule is due; undefined when it is not. */
function dueWindow(
  candidate: Candidate,
  state: SchedulerState,
  rules: SchedulerRules,
): OpenWindow | undefined {
  const { policy, schedule, clientName } = candidate;
  const { nowMs, local, holdAfterFailureMs } = rules;
  // Users' schedules only allow what users ask for.
  if (rank(schedule) === -1) return undefined;
  const [window] = openWindows(schedule.startWindow ?? [], nowMs, local);
  if (window === undefined) return undefined;
  const { lastFailureMs } = state.historyOf(policy.policyName, clientName, schedule.scheduleName);
  if (lastFailureMs !== undefined && nowMs < lastFailureMs + holdAfterFailureMs) return undefined;
  const lastMs = lastBackup(candidate, state);
  const isDue =
    schedule.scheduleType === "Calendar"
      ? isCalendarDue(schedule, window, lastMs, rules)
      : lastMs === undefined || nowMs - lastMs >= frequencyOf(schedule) * 1000;
  return isDue ? window : undefined;
}

/** An incremental backup by frequency counts from the last full one as well, which holds all that it would. */
function lastBackup({ policy, schedule, clientName }: Candidate, state: SchedulerState): number | undefined {
  const counts = (other: Schedule) =>
    other.scheduleName === schedule.scheduleName ||
    (schedule.scheduleType !== "Calendar" && rank(schedule) > 0 && rank(other) === 0);
  const times = policy.schedules
    .filter(counts)
    .map(({ scheduleName }) => state.historyOf(policy.policyName, clientName, scheduleName).lastSuccessMs)
    .filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

function isCalendarDue(
  schedule: Schedule,
  window: OpenWindow,
  lastMs: number | undefined,
  { nowMs, local }: SchedulerRules,
): boolean {
  const { includeDates, excludeDates } = schedule;
  const isMissing = ({ opensMs }: OpenWindow) => lastMs === undefined || lastMs < opensMs;
  if (isRunDay(window.date, includeDates, excludeDates)) return isMissing(window);
  if (schedule.retriesAllowedAfterRunDay !== true) return false;
  // The latest run day of the week may be made up for in any later window.
  const missed = recentWindows(schedule.startWindow ?? [], nowMs, local).find(({ date }) =>
    isRunDay(date, includeDates, excludeDates),
  );
  return missed !== undefined && isMissing(missed);
}

function rank(schedule: Schedule): number {
  return order.indexOf(schedule.backupType ?? defaultType);
}

/** NetBackup's default is a week. */
function frequencyOf({ frequencySeconds }: Schedule): number {
  return frequencySeconds ?? 604_800;
}
