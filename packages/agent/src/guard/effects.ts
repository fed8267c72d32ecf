import { valueAt } from "./body-predicate.ts";
import type { GuardedRequest } from "./guarded-request.ts";
import { fold, matchesPattern } from "./path-pattern.ts";
import type { BudgetKind } from "./rules.ts";

/** How much of a kind a request does; "unknown" when it can't be told before; "measure" when the upstream has to be asked first. */
export type Amount = number | "unknown" | "measure";

/** What a request does that budgets count. A kind that is missing is not touched. */
export type Effects = Readonly<Partial<Record<BudgetKind, Amount>>>;

/** What a request would do, as NetBackup documents its API; where that is not one thing for sure it is "unknown", and no budget covers it. */
export function effectsOf(request: GuardedRequest): Effects {
  if (request.method === "GET") return {};
  const matches = (pattern: string) => matchesPattern(pattern, request.path.segments, "loose");
  if (matches("/netbackup/catalog/**")) return imagesExpired(request, matches);
  if (matches("/netbackup/config/policies/**")) {
    return { policiesChanged: matches("/netbackup/config/policies/bulk-policy-requests/**") ? "unknown" : 1 };
  }
  if (matches("/netbackup/recovery/**")) return { bytesRestored: "measure" };
  if (matches("/netbackup/recovery-point-service/**")) return { bytesRestored: "unknown" };
  if (matches("/netbackup/admin/bulk-job-requests/**")) return { jobsCancelled: "unknown" };
  if (matches("/netbackup/admin/jobs/*/cancel") || matches("/netbackup/admin/jobs/*/suspend"))
    return { jobsCancelled: 1 };
  if (matches("/netbackup/admin/jobs/*") && request.method === "DELETE") return { jobsCancelled: 1 };
  return {};
}

function imagesExpired(request: GuardedRequest, matches: (pattern: string) => boolean): Effects {
  if (matches("/netbackup/catalog/verify-images") || matches("/netbackup/catalog/images/contents/**"))
    return {};
  if (matches("/netbackup/catalog/images/update-expiration-date")) {
    const json = request.json();
    const type = valueAt(json?.value, "/data/type");
    return { imagesExpired: typeof type === "string" && fold(type) === "bybackupid" ? 1 : "unknown" };
  }
  return { imagesExpired: matches("/netbackup/catalog/images/*") ? 1 : "unknown" };
}
