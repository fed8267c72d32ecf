import { InvalidArgumentError } from "commander";

/** For an option that may be given several times. */
export function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}

/** A whole number, 0 or more. @throws InvalidArgumentError, which commander prints */
export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It has to be a whole number.");
}

/** A span from `1s` to `7d`, as ms: how often something is done. @throws InvalidArgumentError */
export function pace(text: string): number {
  const ms = span(text);
  if (ms >= 1_000 && ms <= 7 * 86_400_000) return ms;
  throw new InvalidArgumentError("It has to be from 1s to 7d.");
}

/** `NAME=VALUE`, given several times, as an object. @throws InvalidArgumentError */
export function labels(text: string, all: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It has to be NAME=VALUE.");
  return { ...all, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `NAME:VALUE`, given several times, to filter by; `NAME=VALUE`, as a label is given to a primary, is the same. @throws InvalidArgumentError */
export function labelFilter(text: string, all: string[] = []): string[] {
  const [, name, value] = /^([^:=]+)[:=](.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("It has to be NAME:VALUE.");
  return [...all, `${name}:${value}`];
}

/** A time such as `2026-11-24T08:00:00Z`, in that form. @throws InvalidArgumentError */
export function moment(text: string): string {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new InvalidArgumentError("It has to be a time such as 2026-11-24T08:00:00Z.");
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A span such as `90s`, `15m`, `24h` or `7d`, as ms. @throws InvalidArgumentError */
export function span(text: string): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = unitMs[unit];
  if (count !== undefined && ms !== undefined) return Number(count) * ms;
  if (text === "0") return 0;
  throw new InvalidArgumentError("It has to be a span such as 90s, 15m, 24h or 7d, or 0.");
}
