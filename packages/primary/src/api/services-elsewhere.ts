import { Hono } from "hono";
import { PrimaryError } from "../errors.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";

/**
 * Whole services of NetBackup (its REST API, and what clients call of it) that mean nothing here, with the reason: a
 * client is told so with 501 and not sent looking for a mistake in its path.
 */
export const servicesElsewhere: readonly (readonly [prefix: string, why: string])[] = [
  ["/access-control", "every user of this primary is an administrator: there are no roles to give"],
  ["/rbac", "every user of this primary is an administrator: there are no roles to give"],
  ["/asset-service", "this primary backs up hosts that policies name, no assets that it discovers"],
  ["/asset-groups", "this primary backs up hosts that policies name, no assets that it discovers"],
  ["/admin/discovery", "this primary backs up hosts that policies name, no assets that it discovers"],
  [
    "/config/preview-asset-group",
    "this primary backs up hosts that policies name, no assets that it discovers",
  ],
  ["/servicecatalog", "there are no protection plans: use policies"],
  ["/config/slps", "there are no storage lifecycle policies: an image is kept where its policy writes it"],
  ["/config/retentionlevels", "retention is a period in the schedule, not a level"],
  ["/config/media-servers", "the primary is its own media server"],
  ["/config/servers/vmservers", "this primary backs up no virtual machines"],
  ["/config/servers/hyperv-vmservers", "this primary backs up no virtual machines"],
  ["/config/servers/trusted-master-servers", "images are not replicated to other primaries"],
  ["/admin/hosts", "processes and services of a host are not told: ask its own tools"],
  ["/admin/async-requests", "only jobs are followed: use /admin/jobs"],
  [
    "/recovery/workloads",
    "only files of Standard policies are restored: use physical/scenarios/granular-files-folders",
  ],
  ["/recovery/restore-log-download", "the log is short: use /recovery/restore-log"],
  ["/recovery-point-service", "only databases have recovery points: for files use /catalog/images"],
  ["/eventlog", "there is no event log: use /manage/alerts and /security/auditlogs"],
  ["/licensing", "nothing here takes a licence"],
  ["/malware", "images are not scanned for malware"],
  ["/deployment", "this primary installs nothing on clients"],
  ["/troubleshooting", "there is no such service: a job's try-logs say what went wrong"],
  ["/bmr", "whole machines are not restored"],
  ["/sso", "there is no single sign-on: use POST /login"],
  ["/security/properties", "security settings are not changed through the API"],
  ["/security/certificates", "this primary gives out no certificates of hosts: trust its /security/cacert"],
  ["/user-profiles", "users have no profiles but /self-profile"],
  ["/reset-user-read-only", "no user is read-only"],
];

/** Removed by NetBackup itself: `/assets`, which was moved to `/asset-service` (NetBackup REST, version 10). */
const removed = ["/assets"];

/** Answers 501, or 410 for what NetBackup itself has removed; put behind all that is real. */
export function elsewhereRoutes(): ApiRoutes {
  const routes = new Hono<ApiEnvironment>();
  const refuse = (prefix: string, error: PrimaryError) => {
    for (const path of [prefix, `${prefix}/*`]) {
      routes.all(path, () => {
        throw error;
      });
    }
  };
  for (const [prefix, why] of servicesElsewhere) refuse(prefix, new PrimaryError("not_implemented", why));
  for (const prefix of removed) {
    refuse(prefix, new PrimaryError("gone", `${prefix} was removed from NetBackup's API with version 10`));
  }
  return routes;
}
