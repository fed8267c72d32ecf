import { Hono } from "hono";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import type { FilterExpression } from "../filter/filter-expression.ts";
import { filterProblem } from "../filter/filter-problem.ts";
import { constantFlag, constantWord } from "../filter/constant-field.ts";
import { compileExpression, type FilterFields } from "../filter/filter.ts";
import { parseFilter } from "../filter/parse-filter.ts";
import { limits } from "../limits.ts";
import { jobPolicyType } from "../policies/policy-type.ts";
import { pathProblem } from "../restore/path-rules.ts";
import type { SnapshotEntry } from "../storage/snapshot-listing.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { imageFields } from "./images.ts";
import { linksOf, paginationOf, readPage } from "./pagination.ts";

const daySeconds = 86_400;

const browsedFields: FilterFields = {
  ...imageFields,
  isTrueImage: constantFlag(false),
  isImpacted: constantFlag(false),
  workloadType: constantWord("NONE"),
  // A restore to another client brings the same files.
  destinationClient: { sql: "client_name", type: "text" },
};

/** What the look into folders works on. */
export interface ImageBrowseOptions {
  catalogue: Catalogue;
  units: StorageUnits;
  clock: Clock;
}

interface Found {
  image: CatalogueImage;
  entry: SnapshotEntry;
}

/**
 * `/catalog/image-contents`: what a folder holds in the images of a client. Only that folder is read of each image,
 * however large the image is.
 */
export function imageBrowseRoutes({ catalogue, units, clock }: ImageBrowseOptions): ApiRoutes {
  return new Hono<ApiEnvironment>().get("/catalog/image-contents", async (context) => {
    const wanted = readWanted(context.req.query("filter") ?? "");
    const sort = context.req.query("sort") ?? "name";
    if (sort !== "name" && sort !== "-name")
      throw filterProblem(`sort by "${sort}" is not supported: use name`);
    const sinceS = Math.floor(clock.nowMs() / 1000) - daySeconds;
    const { images: where } = wanted;
    const recent = where.fields.has("backupTime")
      ? where
      : { sql: `(${where.sql}) AND backup_time_s >= ?`, values: [...where.values, sinceS] };
    const images = catalogue.list(recent, { limit: limits.maxBrowsedImages, offset: 0 });
    const found: Found[] = [];
    for (const image of images) {
      const { restic } = units.get(image.storageUnit);
      await restic.lock.withShared(async () => {
        for await (const entry of restic.listEntries(image.snapshotId, wanted)) {
          // Restic tells the folder itself as well.
          if (entry.path === wanted.folder || !wanted.matches(entry)) continue;
          found.push({ image, entry });
          if (found.length > limits.maxBrowsedEntries) throw tooMany(wanted.folder);
        }
      });
    }
    const direction = sort === "name" ? 1 : -1;
    found.sort(
      (a, b) => direction * (a.entry.name < b.entry.name ? -1 : a.entry.name > b.entry.name ? 1 : 0),
    );
    const isWhole = context.req.query("page[disable]") === "true";
    const page = isWhole
      ? { limit: Math.max(1, found.length), offset: 0 }
      : readPage((name) => context.req.query(name), limits.maxPageItems, {
          fallback: limits.maxPageItems,
        });
    const pagination = paginationOf(found.length, page);
    const data = found.slice(page.offset, page.offset + page.limit).map(resource);
    return context.json({ data, meta: { pagination }, links: linksOf(context.req.url, pagination) });
  });
}

function tooMany(folder: string): PrimaryError {
  return new PrimaryError(
    "invalid_request",
    `"${folder}" holds more than ${limits.maxBrowsedEntries} entries: read the image's contents by pages instead`,
  );
}

interface Wanted {
  folder: string;
  /** Also what lies in the folder's folders. */
  isDeep: boolean;
  matches: (entry: SnapshotEntry) => boolean;
  images: ReturnType<typeof compileExpression>;
}

/** Splits a filter into what chooses images and what chooses entries of the folder. */
function readWanted(text: string): Wanted {
  if (text.trim() === "") throw filterProblem("clientName and path are required");
  let place: Place = { folder: "/", isDeep: false };
  const entryRules: ((entry: SnapshotEntry) => boolean)[] = [];
  const imageRules: FilterExpression[] = [];
  for (const rule of conjuncts(parseFilter(text))) {
    const name = "operand" in rule && "name" in rule.operand ? rule.operand.name : "";
    if (name === "path" || name === "fullPath") {
      place = readPlace(rule, name);
      if (place.rule !== undefined) entryRules.push(place.rule);
    } else if (name === "name" || name === "itemType") entryRules.push(entryRule(rule));
    else imageRules.push(rule);
  }
  const [first, ...rest] = imageRules;
  const images =
    first === undefined
      ? undefined
      : compileExpression(
          rest.reduce<FilterExpression>((left, right) => ({ kind: "and", left, right }), first),
          browsedFields,
        );
  if (images?.fields.has("clientName") !== true) throw filterProblem("clientName is required");
  const { folder, isDeep } = place;
  return { folder, isDeep, images, matches: (entry) => entryRules.every((isIt) => isIt(entry)) };
}

function conjuncts(expression: FilterExpression): FilterExpression[] {
  const found: FilterExpression[] = [];
  let left = expression;
  while (left.kind === "and") {
    found.push(...conjuncts(left.right));
    ({ left } = left);
  }
  return [...found, left];
}

interface Place {
  folder: string;
  isDeep: boolean;
  rule?: (entry: SnapshotEntry) => boolean;
}

/** `path eq` names a folder whose entries are wanted, `startswith` the beginning of paths however deep. */
function readPlace(rule: FilterExpression, name: "path" | "fullPath"): Place {
  const isStart = rule.kind === "match" && rule.matcher === "startswith";
  if (!isStart && (rule.kind !== "comparison" || rule.operator !== "eq")) {
    throw filterProblem("the path must be one folder, or how it begins: use path eq or startswith");
  }
  const { text } = rule.value;
  const folder = isStart ? text.slice(0, text.lastIndexOf("/") + 1) : text;
  const path = folder.replace(/(.)\/+$/, "$1");
  const problem = pathProblem(path);
  if (problem !== undefined) throw filterProblem(`the path ${problem}`);
  if (!isStart) return { folder: path, isDeep: false };
  const told = name === "path" ? folderOf : ({ path: whole }: SnapshotEntry) => whole;
  return { folder: path, isDeep: true, rule: (entry) => told(entry).startsWith(text) };
}

/** The folder of an entry, as NetBackup tells it: with a slash at its end. */
function folderOf({ path, name }: SnapshotEntry): string {
  return path.slice(0, -name.length);
}

function entryRule(rule: FilterExpression): (entry: SnapshotEntry) => boolean {
  if (rule.kind === "match") {
    const { text } = rule.value;
    const test = { contains: "includes", startswith: "startsWith", endswith: "endsWith" } as const;
    return ({ name }) => name[test[rule.matcher]](text);
  }
  if (rule.kind !== "comparison" || rule.operator !== "eq") {
    throw filterProblem(
      "of entries only name and itemType with eq, contains, startswith and endswith can be asked",
    );
  }
  const { text } = rule.value;
  if (rule.operand.name === "name") return ({ name }) => name === text;
  return ({ isFolder }) => (isFolder ? "DIR" : "FILE") === text.toUpperCase();
}

function resource({ image, entry }: Found) {
  return {
    type: "imageContentListEntry",
    id: `${image.backupId}:${entry.path}`,
    attributes: {
      clientName: image.clientName,
      policyName: image.policyName,
      policyType: jobPolicyType(image.policyType),
      scheduleType: image.scheduleType,
      path: folderOf(entry),
      fullPath: entry.path,
      name: entry.name,
      itemType: entry.isFolder ? "DIR" : "FILE",
      size: entry.size,
      lastModifiedTime: new Date(entry.modifiedMs).toISOString(),
      backupTime: new Date(image.backupTimeS * 1000).toISOString(),
      keyword: "",
      isTrueImage: false,
      nasProtocol: "NOT_DEFINED",
    },
  };
}
