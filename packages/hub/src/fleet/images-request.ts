import { equals, ofPrimaries, pathsOf } from "./fleet-filter.ts";
import type { Path, RowsRequest, Value } from "./row-pages.ts";

/** Which images are wanted. */
export interface ImagesAsked {
  /** Of these primaries. */
  ids: "all" | readonly string[];
  client?: string | undefined;
  /** Whether deleted ones are wanted too. */
  withDeleted: boolean;
  /** By backup time, epoch ms. */
  since: number | undefined;
  until: number | undefined;
  sort: keyof typeof imageSorts;
  descending: boolean;
  after: readonly Value[] | undefined;
  limit: number;
  maxRows: number;
}

/** What images can be sorted by. */
export const imageSorts = {
  backupTime: { columns: ["sort_ms"], index: "images_by_time" },
  updatedAt: { columns: ["position"], index: "images_by_position" },
  client: { columns: ["client", "sort_ms"], index: "images_by_client" },
} as const;

/** How to find them. */
export function imagesRequest(asked: ImagesAsked): RowsRequest {
  const { ids, client, withDeleted, sort, descending, after, limit, maxRows, since, until } = asked;
  return {
    table: "images",
    narrow: narrowest(asked),
    time: { column: "sort_ms", from: since, to: until },
    sort: imageSorts[sort],
    descending,
    filters: [
      ...ofPrimaries(ids),
      ...equals("client", client),
      ...equals("deleted", withDeleted ? undefined : 0),
    ],
    after,
    limit,
    maxRows,
  };
}

function narrowest({ ids, client }: ImagesAsked): Path[] {
  if (client !== undefined) {
    return [{ index: "images_by_client", where: { sql: "client = ?", values: [client] } }];
  }
  const all: Path = { index: "images_by_time", where: { sql: "", values: [] } };
  return pathsOf(ids, "images_by_primary") ?? [all];
}
