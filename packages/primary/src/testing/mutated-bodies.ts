import fc from "fast-check";
import type { OddRequest } from "./odd-requests.ts";

const policy = {
  policyName: "fuzzed",
  policyType: "Standard",
  policyAttributes: { active: false, storage: null, jobLimit: 1, priority: 0, keyword: "k" },
  clients: [{ hostName: "x", OS: "Linux", hardware: "Linux" }],
  schedules: [
    {
      scheduleName: "full",
      scheduleType: "Calendar",
      backupType: "Full Backup",
      frequencySeconds: 1,
      includeDates: { specificDates: ["2026-1-1"], recurringDaysOfWeek: ["1:1"] },
      startWindow: [{ dayOfWeek: 1, startSeconds: 0, durationSeconds: 0 }],
      backupCopies: { copies: [{ storage: null, retentionPeriod: { value: 1, unit: "DAYS" } }] },
    },
  ],
  backupSelections: { selections: ["/nowhere"] },
};
const valid: readonly (readonly [method: string, path: string, body: unknown])[] = [
  ["POST", "/config/policies", { data: { type: "policy", id: "fuzzed", attributes: { policy } } }],
  ["PUT", "/config/policies/fuzzed", { data: { type: "policy", id: "fuzzed", attributes: { policy } } }],
  [
    "PATCH",
    "/config/policies/fuzzed",
    { data: { type: "patchPolicyRequest", attributes: { policy: { policyAttributes: { priority: 1 } } } } },
  ],
  ["PUT", "/config/policies/fuzzed/clients/x", { data: { type: "client", attributes: { OS: "Linux" } } }],
  [
    "PUT",
    "/config/policies/fuzzed/schedules/s",
    { data: { type: "schedule", attributes: policy.schedules[0] } },
  ],
  [
    "PUT",
    "/config/policies/fuzzed/backupselections",
    { data: { type: "backupSelection", attributes: { selections: ["/a"] } } },
  ],
  [
    "POST",
    "/admin/manual-backup",
    { data: { type: "backupRequest", attributes: { policyName: "fuzzed", clientName: "x" } } },
  ],
  [
    "POST",
    "/admin/jobs-count-requests",
    { data: { type: "jobCount", attributes: { filter: "jobId eq 1" } } },
  ],
  [
    "PATCH",
    "/admin/bulk-job-requests",
    { data: [{ type: "jobRequest", id: "1", attributes: { jobUpdateData: { priority: 1 } } }] },
  ],
  [
    "POST",
    "/catalog/images/update-expiration-date",
    { data: { type: "byBackupId", attributes: { backupId: "x_1", date: "2999-01-01T00:00:00.000Z" } } },
  ],
  [
    "POST",
    "/catalog/image-contents-size",
    {
      data: {
        type: "imageContentsTotalSizeInfoRequest",
        attributes: { recoveryPoint: { backupId: "x_1" }, fileList: ["/"] },
      },
    },
  ],
  [
    "POST",
    "/security/api-keys",
    { data: { type: "apiKeyCreationRequest", attributes: { expireAfterDays: "P1D", userName: "nobody" } } },
  ],
];
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    0,
    -1,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    "\u0000",
    "../..",
    "x".repeat(2000),
    "\ud800",
    [[[]]],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Bodies that are right but for one or two members. */
export const mutatedBodies: fc.Arbitrary<OddRequest> = fc
  .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(), odd), { minLength: 1, maxLength: 2 }))
  .map(([[method, where, body], changes]) => ({
    method,
    path: where,
    headers: [["content-type", "application/vnd.netbackup+json;version=12.0"]],
    body: JSON.stringify(
      changes.reduce<unknown>((changed, [at, value]) => replaceAt(changed, at, value), body),
    ),
  }));

/** Replaces one member, of those at any depth the one with this number. */
function replaceAt(whole: unknown, at: number, value: unknown): unknown {
  const copy: unknown = structuredClone(whole);
  const places: (() => void)[] = [];
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    for (const name of Object.keys(part)) {
      places.push(() => Object.assign(part, { [name]: value }));
      visit((part as Record<string, unknown>)[name]);
    }
  };
  visit(copy);
  places[at % Math.max(1, places.length)]?.();
  return copy;
}
