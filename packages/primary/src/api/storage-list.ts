import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { linksOf, paginationOf, readPage } from "./pagination.ts";

/** What a list is read from. */
interface ListRequest {
  req: { url: string; query: (name: string) => string | undefined };
}

/**
 * A page of the few storage resources that there are, by name. Of filters only `name eq '…'` is known, which NetBackup's own
 * samples use.
 * @throws PrimaryError `invalid_filter`
 */
export async function listStorage(
  { req }: ListRequest,
  names: readonly string[],
  resourceOf: (name: string) => object | Promise<object>,
) {
  const filter = req.query("filter") ?? "";
  const named = /^\s*name\s+eq\s+'([^']*)'\s*$/.exec(filter)?.[1];
  const sort = req.query("sort") ?? "";
  if ((filter !== "" && named === undefined) || !["", "name", "-name"].includes(sort)) {
    throw new PrimaryError("invalid_filter", "only filter=name eq '…' and sort=name are supported here");
  }
  const found = names.filter((name) => named === undefined || name === named);
  if (sort !== "") found.sort();
  if (sort === "-name") found.reverse();
  const page = readPage((name) => req.query(name), limits.maxPolicyPageItems);
  const pagination = paginationOf(found.length, page);
  const onPage = found.slice(page.offset, page.offset + page.limit);
  const data = await Promise.all(onPage.map(async (name) => resourceOf(name)));
  return { data, meta: { pagination }, links: linksOf(req.url, pagination) };
}
