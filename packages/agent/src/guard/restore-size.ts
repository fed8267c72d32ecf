import { z } from "zod";
import type { Command } from "@sallyport/nbwss";
import type { CommandExecutor } from "../executor.ts";
import type { GuardedRequest } from "./guarded-request.ts";
import { readJsonBody } from "./json-body.ts";

const time = z.iso.datetime({ offset: true });
/** What every restore by client and time names (recovery.json); other restores are not understood. */
const recoveryRequest = z.object({
  data: z.object({
    attributes: z.object({
      recoveryPoint: z.strictObject({
        client: z.string().min(1).max(1024),
        policyType: z.string().optional(),
        startDate: time,
        endDate: time,
      }),
    }),
  }),
});
const images = z.object({
  data: z.array(z.object({ attributes: z.object({ kbytes: z.number().min(0) }) })),
  meta: z.object({ pagination: z.object({ count: z.int() }) }),
});
const pageLimit = 100;
const fileRestore = "/netbackup/recovery/workloads/physical/scenarios/granular-files-folders/recover";

/**
 * The most that a restore can bring back, bytes: all images of its client in its time, asked of the upstream with the command's own
 * headers. "unknown" when the restore is of a kind that is not understood, or the upstream does not tell.
 */
export async function restoreSize(
  request: GuardedRequest,
  headers: Command["headers"],
  upstream: CommandExecutor,
  signal: AbortSignal,
): Promise<number | "unknown"> {
  if (request.pathText !== fileRestore) return "unknown";
  const found = recoveryRequest.safeParse((await recoveryPart(request))?.value);
  if (!found.success) return "unknown";
  const { client, startDate, endDate } = found.data.data.attributes.recoveryPoint;
  const conditions = [
    `clientName eq '${client.replaceAll("'", "''")}'`,
    `backupTime ge ${new Date(startDate).toISOString()}`,
    `backupTime le ${new Date(endDate).toISOString()}`,
  ];
  const filter = encodeURIComponent(conditions.join(" and ")).replaceAll("'", "%27");
  const kept = Object.entries(headers).filter(([name]) => !/^content-|^sallyport-/i.test(name));
  const answer = await upstream.execute(
    {
      uri: `/netbackup/catalog/images?page%5Blimit%5D=${pageLimit}&filter=${filter}`,
      method: "GET",
      headers: Object.fromEntries(kept),
    },
    signal,
  );
  if (answer.status !== 200) return "unknown";
  const list = images.safeParse(readJsonBody(answer.body)?.value);
  if (!list.success || list.data.meta.pagination.count > list.data.data.length) return "unknown";
  return list.data.data.reduce((sum, { attributes }) => sum + attributes.kbytes * 1024, 0);
}

async function recoveryPart(request: GuardedRequest) {
  const type = request.headers.get("content-type") ?? "";
  if (!/^multipart\//i.test(type)) return request.json();
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))\s*$/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return undefined;
  try {
    // NetBackup's own type is plain form data under another name.
    const headers = { "content-type": `multipart/form-data; boundary="${boundary}"` };
    const form = await new Response(request.body ?? "", { headers }).formData();
    const parts = form.getAll("recoveryRequest");
    const [part] = parts;
    if (parts.length !== 1 || part === undefined) return undefined;
    return readJsonBody(typeof part === "string" ? part : await part.text());
  } catch {
    // What can't be read is not known.
    return undefined;
  }
}
