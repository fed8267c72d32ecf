import { z } from "zod";
import { SourceError } from "./source-error.ts";
import type { UpstreamReading } from "./upstream-reader.ts";

/** A list to be read to its end. */
export interface Listing {
  /** Such as `/netbackup/admin/jobs`. */
  path: string;
  filter: string;
  sort?: string;
  /** Items of one page. */
  pageSize: number;
  /** A list with more pages is not read to its end: an error says so. */
  maxPages: number;
}

/** One page of a list. */
export interface ListingPage {
  items: unknown[];
  serverNowMs: number;
}

/** Reads one resource; undefined for 404. */
export type ReadResource = (path: string) => Promise<UpstreamReading | undefined>;

const envelope = z.object({
  data: z.array(z.unknown()),
  meta: z
    .object({
      pagination: z.object({ next: z.union([z.string(), z.int().nonnegative()]).nullish() }).nullish(),
    })
    .nullish(),
});
const identified = z.object({ id: z.union([z.string(), z.number()]) });

/**
 * Reads a list page by page: by the cursor that each page names, or, at servers that count (jobs before API 9.0, images), by offset.
 * Offsets move when an item goes away meanwhile, and what has moved to the page before would be missed: so each page has to begin with an
 * item of the page before it, and is asked for again from further in front when it does not. An item may come twice.
 * @throws SourceError `upstream_unexpected` when an answer is no list, or the list does not end
 */
export async function* readListing(
  read: ReadResource,
  listing: Listing,
): AsyncGenerator<ListingPage, void, void> {
  let position: Position = { kind: "first" };
  let before: ReadonlySet<string | number> = new Set();
  const cursors = new Set<string>();
  for (let pages = 0; pages < listing.maxPages; pages += 1) {
    const { items, next, serverNowMs } = await readPage(read, listing, position);
    const ids = items.map(idOf);
    if (position.kind === "offset" && position.offset > 0 && !before.has(ids[0] ?? "")) {
      position = { kind: "offset", offset: Math.max(0, position.offset - Math.ceil(listing.pageSize / 2)) };
      continue;
    }
    yield { items, serverNowMs };
    if (next === undefined) return;
    if (typeof next === "string") {
      if (cursors.has(next))
        throw new SourceError("upstream_unexpected", `the pages of ${listing.path} go in a circle`);
      cursors.add(next);
      position = { kind: "cursor", cursor: next };
    } else {
      const at: number = position.kind === "offset" ? position.offset : 0;
      if (next <= at)
        throw new SourceError("upstream_unexpected", `the pages of ${listing.path} go in a circle`);
      position = { kind: "offset", offset: next - 1 };
      before = new Set(ids);
    }
  }
  throw new SourceError(
    "upstream_unexpected",
    `${listing.path} has more than ${listing.maxPages} pages of ${listing.pageSize}`,
  );
}

type Position = { kind: "first" } | { kind: "cursor"; cursor: string } | { kind: "offset"; offset: number };

async function readPage(read: ReadResource, listing: Listing, position: Position) {
  const answer = await read(addressOf(listing, position));
  const parsed = envelope.safeParse(answer?.body);
  if (answer === undefined || !parsed.success) {
    throw new SourceError(
      "upstream_unexpected",
      `the answer to ${listing.path} is no list of NetBackup's REST API`,
    );
  }
  const { data: items, meta } = parsed.data;
  const next = meta?.pagination?.next ?? undefined;
  return { items, next: next === "" ? undefined : next, serverNowMs: answer.serverNowMs };
}

function addressOf({ path, filter, sort, pageSize }: Listing, position: Position): string {
  const query = new URLSearchParams({ "page[limit]": String(pageSize), filter });
  if (sort !== undefined) query.set("sort", sort);
  if (position.kind === "cursor") query.set("page[after]", position.cursor);
  if (position.kind === "offset") query.set("page[offset]", String(position.offset));
  // %20, since not every server takes "+" for a blank in a filter.
  return `${path}?${query.toString().replaceAll("+", "%20")}`;
}

/** An item without an id is like no other. */
function idOf(item: unknown): string | number {
  const parsed = identified.safeParse(item);
  return parsed.success ? parsed.data.id : "";
}
