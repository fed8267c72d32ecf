import type { DateList, StartWindow } from "../policies/schedule.ts";

/** A day of the calendar. */
export interface CalendarDate {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
}

/** Translates between moments and the days of a place, since start windows are in the primary's local time. */
export interface LocalTime {
  dateOf(epochMs: number): CalendarDate;
  /** The moment that is so many seconds after the day's beginning on the wall's clock; days beyond a month's end carry over. */
  momentOf(date: CalendarDate, seconds: number): number;
}

/** The machine's own time zone. */
export const systemLocalTime: LocalTime = {
  dateOf: (epochMs) => {
    const date = new Date(epochMs);
    return { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() };
  },
  momentOf: ({ year, month, day }, seconds) => new Date(year, month - 1, day, 0, 0, seconds).getTime(),
};

/** An open start window. */
export interface OpenWindow {
  /** The day on which it opened. */
  date: CalendarDate;
  opensMs: number;
  closesMs: number;
}

/** The windows that are open at a moment, the one that opened last first; a window may be as long as a week. */
export function openWindows(windows: readonly StartWindow[], nowMs: number, local: LocalTime): OpenWindow[] {
  return recentWindows(windows, nowMs, local).filter(({ closesMs }) => nowMs < closesMs);
}

/** The windows that opened within the last week and until now, the latest first. */
export function recentWindows(
  windows: readonly StartWindow[],
  nowMs: number,
  local: LocalTime,
): OpenWindow[] {
  const today = local.dateOf(nowMs);
  const found: OpenWindow[] = [];
  for (let back = 0; back <= 7; back += 1) {
    const date = shift(today, -back);
    for (const window of windows) {
      if (window.durationSeconds === 0 || window.dayOfWeek !== weekdayOf(date)) continue;
      const opensMs = local.momentOf(date, window.startSeconds);
      if (opensMs <= nowMs) found.push({ date, opensMs, closesMs: opensMs + window.durationSeconds * 1000 });
    }
  }
  return found;
}

/** Whether a calendar schedule runs on a day: it is in the first list and not in the second. */
export function isRunDay(
  date: CalendarDate,
  included: DateList | null | undefined,
  excluded: DateList | null | undefined,
): boolean {
  return isListed(date, included) && !isListed(date, excluded);
}

function isListed(date: CalendarDate, list: DateList | null | undefined): boolean {
  if (list == null) return false;
  const { year, month, day } = date;
  const lastDay = daysIn(year, month);
  if (list.lastDayOfMonth === true && day === lastDay) return true;
  if (list.recurringDaysOfMonth?.includes(day) === true) return true;
  const weekday = weekdayOf(date);
  const week = Math.ceil(day / 7);
  const isLastWeek = day + 7 > lastDay;
  const names = [`${week}:${weekday}`, ...(isLastWeek ? [`5:${weekday}`] : [])];
  if (list.recurringDaysOfWeek?.some((name) => names.includes(name)) === true) return true;
  return (
    list.specificDates?.some(
      (text) => text.split("-").map(Number).join("-") === `${year}-${month}-${day}`,
    ) === true
  );
}

/** 1 is Sunday. */
export function weekdayOf({ year, month, day }: CalendarDate): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;
}

function shift({ year, month, day }: CalendarDate, days: number): CalendarDate {
  const date = new Date(Date.UTC(year, month - 1, day + days));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
