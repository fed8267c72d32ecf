import { z } from "zod";

const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "has to be HH:MM, 00:00 to 23:59");

/** A span of each week; one whose end is not after its beginning reaches into the next day. */
export const timeWindow = z.strictObject({
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .max(7)
    .optional()
    .describe("days on which it begins; every day unless given"),
  from: timeOfDay.describe("`HH:MM`, the first minute that belongs to it"),
  to: timeOfDay.describe("`HH:MM`, the first minute that does not; not after `from`: of the next day"),
});

/** A span of each week. */
export type TimeWindow = z.infer<typeof timeWindow>;

/** A moment as a clock on the wall shows it. */
export interface WallTime {
  /** 0 is Monday. */
  weekday: number;
  /** Minutes since midnight. */
  minute: number;
}

/** @param timeZone an IANA name, such as `Europe/Vienna`; the machine's own when undefined */
export function wallTime(nowMs: number, timeZone: string | undefined): WallTime {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(nowMs);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return {
    weekday: (weekdays as readonly string[]).indexOf(part("weekday").toLowerCase()),
    minute: Number(part("hour")) * 60 + Number(part("minute")),
  };
}

/** Whether a time zone is known to this machine. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** Whether a moment lies in a window. */
export function isWithin({ days, from, to }: TimeWindow, { weekday, minute }: WallTime): boolean {
  const [begin, end] = [minutesOf(from), minutesOf(to)];
  const begins = (day: number) => days === undefined || days.includes(weekdays[(day + 7) % 7] ?? "mon");
  if (begin < end) return begins(weekday) && minute >= begin && minute < end;
  return (begins(weekday) && minute >= begin) || (begins(weekday - 1) && minute < end);
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}
