import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";

/** Which part of a list is asked for. */
export interface Page {
  limit: number;
  offset: number;
}

/** Reads a query parameter; undefined when it is not there. */
export type QueryReader = (name: string) => string | undefined;

/**
 * Reads `page[limit]` and `page[offset]`.
 * @throws PrimaryError `invalid_request` when one is no number or out of bounds
 */
export function readPage(
  query: QueryReader,
  maxLimit: number,
  { least = 1, fallback = limits.defaultPageItems }: { least?: number; fallback?: number } = {},
): Page {
  return {
    limit: readInteger(query, "page[limit]", { least, most: maxLimit, fallback }),
    offset: readInteger(query, "page[offset]", { least: 0, most: Number.MAX_SAFE_INTEGER, fallback: 0 }),
  };
}

/** Reads a bounded integer parameter. */
export function readInteger(
  query: QueryReader,
  name: string,
  bounds: { least: number; most: number; fallback: number },
): number {
  const text = query(name);
  if (text === undefined || text === "") return bounds.fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.least && value <= bounds.most) return value;
  throw new PrimaryError(
    "invalid_request",
    `${name} must be an integer from ${bounds.least} to ${bounds.most}`,
    {
      attributeErrors: { [name]: `not "${text}"` },
    },
  );
}

/** `meta.pagination` of offset paging; `next` and `prev` are missing at the ends (NetBackup REST, pagination). */
export function paginationOf(count: number, { limit, offset }: Page) {
  const pages = Math.ceil(count / limit);
  return {
    first: 0,
    last: Math.max(0, pages - 1) * limit,
    ...(offset > 0 ? { prev: Math.max(0, offset - limit) } : {}),
    ...(offset + limit < count ? { next: offset + limit } : {}),
    count,
    offset,
    limit,
    page: Math.floor(offset / limit),
    pages,
  };
}

/** Absolute links to the pages of a list, since some clients request `links.next.href` as it is. */
export function linksOf(url: string, pagination: ReturnType<typeof paginationOf>) {
  const at = (offset: number) => linkTo(url, { "page[offset]": offset, "page[limit]": pagination.limit });
  return {
    self: { href: url },
    first: at(pagination.first),
    last: at(pagination.last),
    ...(pagination.prev === undefined ? {} : { prev: at(pagination.prev) }),
    ...(pagination.next === undefined ? {} : { next: at(pagination.next) }),
  };
}

/** The same address with other parameters. */
export function linkTo(url: string, parameters: Readonly<Record<string, string | number | undefined>>) {
  const target = new URL(url);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) target.searchParams.delete(name);
    else target.searchParams.set(name, String(value));
  }
  return { href: target.href };
}
