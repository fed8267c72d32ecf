import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { CatalogueImage } from "../catalogue/image.ts";
import { clientOfUnit } from "../clients/client-unit.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import { PrimaryError } from "../errors.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import { limits } from "../limits.ts";
import { isLocal } from "../policies/policy.ts";
import { planRestore } from "../restore/restore-plan.ts";
import type { RestoreRequest } from "../restore/restore.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { readParts } from "./multipart.ts";
import { parseJson } from "./request-body.ts";

const path = "/recovery/workloads/physical/scenarios/granular-files-folders/recover";
const timeSchema = z.iso.datetime({ offset: true });

const recoveryRequestSchema = z.object({
  data: z.object({
    type: z.literal("physicalFilesFoldersRecoveryRequest"),
    attributes: z.object({
      recoveryPoint: z.object({
        client: z.string().min(1),
        // NetBackup's own, and those of the policies whose images are a database's dump.
        policyType: z.enum(["STANDARD", "WINDOWS", "NBU_CATALOG", "DATASTORE", "POSTGRESQL", "MYSQL"]),
        startDate: timeSchema,
        endDate: timeSchema,
      }),
      recoveryOptions: z.object({
        server: z.string(),
        destinationClient: z.string().min(1),
        overwriteExistingFiles: z.boolean().nullish(),
      }),
    }),
  }),
});
const selectionsSchema = z
  .array(z.object({ path: z.string(), backupTime: timeSchema.nullish() }))
  .min(1)
  .max(limits.maxSelections);
const renamesSchema = z.array(z.object({ from: z.string(), to: z.string() })).max(limits.maxSelections);

type RecoveryPoint = z.infer<typeof recoveryRequestSchema>["data"]["attributes"]["recoveryPoint"];

/** What the recovery's routes work on. */
export interface RecoveryRoutesOptions {
  catalogue: Catalogue;
  queue: JobQueue;
  localClients: readonly string[];
  clients: Pick<ClientFile, "find">;
}

/** The restore of files and folders of Standard backups. */
export function recoveryRoutes({
  catalogue,
  queue,
  localClients,
  clients,
}: RecoveryRoutesOptions): ApiRoutes {
  return new Hono<ApiEnvironment>().post(path, async (context) => {
    const parts = await readRecovery(context);
    const { recoveryPoint, recoveryOptions } = parts.request.data.attributes;
    if (recoveryPoint.policyType === "WINDOWS" || recoveryPoint.policyType === "NBU_CATALOG") {
      throw new PrimaryError(
        "invalid_request",
        `this primary has no images of policyType ${recoveryPoint.policyType}`,
      );
    }
    if (recoveryPoint.policyType !== "STANDARD" && parts.renames.length === 0) {
      throw new PrimaryError(
        "invalid_request",
        "the dump of a database goes where a rename says: give a renameFile with a path for it",
      );
    }
    const isHere = isLocal(recoveryOptions.destinationClient, localClients);
    const destination = isHere ? undefined : clients.find(recoveryOptions.destinationClient);
    if (!isHere && destination === undefined) {
      throw new PrimaryError(
        "invalid_request",
        `destinationClient "${recoveryOptions.destinationClient}" is not a client of this primary`,
        {
          attributeErrors: {
            destinationClient: `this machine (${localClients.join(", ")}), or one that was added as a client`,
          },
        },
      );
    }
    let storageUnit = "";
    const selections = parts.selections.map((selection) => {
      const image = findImage(catalogue, recoveryPoint, selection.backupTime ?? undefined);
      // Of several, it counts against the bound of the first.
      storageUnit ||= image.storageUnit;
      if (destination !== undefined && clientOfUnit(image.storageUnit) === undefined) {
        throw new PrimaryError(
          "invalid_request",
          `the image ${image.backupId} lies in a repository that is not one client's alone, and whose key no client may get: restore it to this machine, and copy it from there`,
        );
      }
      return { path: selection.path, backupId: image.backupId };
    });
    const request: RestoreRequest = {
      moves: planRestore(selections, parts.renames),
      overwriteExistingFiles: recoveryOptions.overwriteExistingFiles ?? false,
      ...(destination === undefined ? {} : { destinationClient: destination.name }),
    };
    const { id } = queue.submit({
      type: "RESTORE",
      clientName: recoveryPoint.client,
      policyName: "",
      scheduleName: "",
      storageUnit,
      owner: context.get("principal").userName,
      subType: "USERBACKUP",
      request,
    });
    context.header("Location", `/netbackup/admin/jobs/${id}`);
    return context.json(
      {
        data: { type: "recoveryResponse", id, attributes: { msg: "Recovery job started successfully" } },
        relationships: {
          recoveryJob: {
            links: { self: `/admin/jobs/${id}`, related: "/admin/jobs" },
            data: { type: "job", id },
          },
        },
      },
      201,
    );
  });
}

/** The image of the selection's own time, or the newest within the recovery point. */
function findImage(
  catalogue: Catalogue,
  point: RecoveryPoint,
  backupTime: string | undefined,
): CatalogueImage {
  const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);
  const where = {
    sql: `client_name = ? AND (upper(policy_type) = ? OR (? = 'DATASTORE' AND policy_type <> 'Standard')) AND backup_time_s BETWEEN ? AND ?${backupTime === undefined ? "" : " AND backup_time_s = ?"}`,
    values: [
      point.client,
      point.policyType,
      point.policyType,
      seconds(point.startDate),
      seconds(point.endDate),
      ...(backupTime === undefined ? [] : [seconds(backupTime)]),
    ],
  };
  const [image] = catalogue.list(where, { limit: 1, offset: 0 });
  if (image !== undefined) return image;
  const when = backupTime ?? `${point.startDate} to ${point.endDate}`;
  throw new PrimaryError("not_found", `there is no image of the client "${point.client}" of ${when}`);
}

async function readRecovery(context: Context) {
  const parts = await readParts(context);
  const renames = await parts.text("renameFile");
  return {
    request: parseJson(await parts.required("recoveryRequest"), recoveryRequestSchema, "recoveryRequest"),
    selections: parseJson(await parts.required("selectionsFile"), selectionsSchema, "selectionsFile"),
    renames: renames === undefined ? [] : parseJson(renames, renamesSchema, "renameFile"),
  };
}
