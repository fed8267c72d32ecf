import { Hono } from "hono";
import { z } from "zod";
import { backupJob } from "../backup/backup-job.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import { PrimaryError } from "../errors.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { Policy } from "../policies/policy.ts";
import type { Schedule } from "../policies/schedule.ts";
import type { PolicyStore } from "../policies/policy-store.ts";
import type { StorageUnits } from "../storage/storage-units.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readJson } from "./request-body.ts";

const backupRequestSchema = z.object({
  data: z.object({
    type: z.literal("backupRequest"),
    attributes: z.object({
      policyName: z.string(),
      scheduleName: z.string().nullish(),
      clientName: z.string().nullish(),
    }),
  }),
});

/** `POST /admin/manual-backup`: one job for each client of the policy, or for the one that is named. */
export function manualBackupRoutes({
  policies,
  queue,
  units,
  clients,
}: {
  policies: PolicyStore;
  queue: JobQueue;
  units: StorageUnits;
  clients: Pick<ClientFile, "find">;
}): ApiRoutes {
  return new Hono<ApiEnvironment>().post("/admin/manual-backup", async (context) => {
    const { policyName, scheduleName, clientName } = (await readJson(context, backupRequestSchema)).data
      .attributes;
    // The documented answers have no 404 here.
    const policy = policies.find(policyName)?.policy;
    if (policy === undefined) throw refused(`there is no policy "${policyName}"`);
    checkRunnable(policy);
    const schedule = chooseSchedule(policy, scheduleName ?? "");
    const owner = context.get("principal").userName;
    const data = chooseClients(policy, clientName ?? "").map((client) => {
      const { id } = queue.submit({ ...backupJob(policy, schedule, client, { units, clients }), owner });
      return {
        type: "job",
        id: String(id),
        attributes: { jobId: id },
        links: { self: { href: `/admin/jobs/${id}` } },
      };
    });
    return context.json({ data }, 202);
  });
}

function checkRunnable(policy: Policy): void {
  const name = policy.policyName;
  if (policy.policyAttributes.active === false) throw refused(`the policy "${name}" is not active`);
  if (policy.clients.length === 0) throw refused(`the policy "${name}" has no clients: add one`);
  if (policy.backupSelections.selections.length === 0) {
    throw refused(`the policy "${name}" has no backup selections: add one`);
  }
}

/** Without a name: the first full schedule, or none when the policy has none. */
function chooseSchedule({ policyName, schedules }: Policy, name: string): Schedule | undefined {
  if (name === "") {
    return schedules.find(({ backupType }) => backupType == null || backupType === "Full Backup");
  }
  const named = schedules.find(({ scheduleName }) => scheduleName === name);
  if (named !== undefined) return named;
  throw refused(`the policy "${policyName}" has no schedule "${name}"`);
}

function chooseClients({ policyName, clients }: Policy, name: string): string[] {
  const names = [...new Set(clients.map(({ hostName }) => hostName))];
  if (name === "") return names;
  if (names.includes(name)) return [name];
  throw refused(`the policy "${policyName}" has no client "${name}"`);
}

function refused(message: string): PrimaryError {
  return new PrimaryError("invalid_request", message);
}
