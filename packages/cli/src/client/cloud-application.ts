import { z } from "zod";
import { errorTextOf, type FeedEvent, type HubClient } from "./hub-client.ts";
import type { ClientRequest } from "./https-client.ts";
import { netbackupJson, tokenOf } from "./primary-client.ts";
import { Failure } from "../failure.ts";

const job = z.looseObject({
  id: z.string(),
  attributes: z.looseObject({
    state: z.string(),
    status: z.number().optional(),
    percentComplete: z.number().optional(),
    kilobytesTransferred: z.number().optional(),
    numberOfFiles: z.number().optional(),
  }),
});
const image = z.looseObject({
  id: z.string(),
  attributes: z.looseObject({
    clientName: z.string(),
    backupTime: z.string(),
    policyType: z.string(),
    jobId: z.number(),
    originMasterServer: z.string().optional(),
  }),
});
const startedJobs = z.object({ data: z.array(z.looseObject({ id: z.string() })).min(1) });
const heldTicket = z.object({ data: z.looseObject({ type: z.literal("sallyportTicket"), id: z.string() }) });
const recovery = z.looseObject({
  relationships: z.looseObject({
    recoveryJob: z.looseObject({ data: z.looseObject({ id: z.union([z.string(), z.number()]) }) }),
  }),
});

/** Types of policies that a recovery request names otherwise than in capitals. */
const recoveryTypes: Readonly<Record<string, string>> = {
  "MS-Windows": "WINDOWS",
  "NBU-Catalog": "NBU_CATALOG",
};

/** A job as the REST API shows it. */
export type Job = z.infer<typeof job>;
/** An image as the REST API shows it. */
export type Image = z.infer<typeof image>;

/** What of a policy is backed up; all of it unless said. */
export interface BackupChoice {
  clientName?: string | undefined;
  scheduleName?: string | undefined;
}

/** One path of an image, and where it goes; to where it was without `to`. */
export interface RestoredPath {
  from: string;
  to?: string | undefined;
}

/** Where a restore goes, and with whose approval. */
export interface RestoreTerms {
  /** The name of the primary, as NetBackup knows it. */
  server: string;
  /** The client that the image is of, unless said. */
  destinationClient?: string | undefined;
  overwrite?: boolean | undefined;
}

interface RequestBody {
  text: string;
  type: string;
}

const json = (value: unknown): RequestBody => ({ text: JSON.stringify(value), type: netbackupJson });

/** Parts of JSON, always written alike: an approval is bound to the bytes. JSON has no line breaks of its own, so the boundary can't occur in it. */
function multipart(parts: Readonly<Record<string, unknown>>): RequestBody {
  const boundary = "sallyport-part";
  const written = Object.entries(parts).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="blob"\r\n` +
      `Content-Type: application/json\r\n\r\n${JSON.stringify(value)}\r\n`,
  );
  return {
    text: `${written.join("")}--${boundary}--\r\n`,
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

/** What a cloud application does with one primary, through the hub's gateway and feed alone. */
export class CloudApplication {
  readonly #hub: HubClient;
  readonly #primaryId: string;
  #token: string | undefined;
  #ticket: string | undefined;
  readonly #approved: ((ticketId: string, what: string) => Promise<void>) | undefined;

  /** @param approved resolves when a command that the guard on premises holds was approved there; without it a held command fails */
  constructor(
    hub: HubClient,
    primaryId: string,
    approved?: (ticketId: string, what: string) => Promise<void>,
  ) {
    this.#hub = hub;
    this.#primaryId = primaryId;
    this.#approved = approved;
  }

  async login(userName: string, password: string): Promise<void> {
    const text = await this.#call("POST", "/netbackup/login", 201, json({ userName, password }));
    this.#token = tokenOf(text);
  }

  /** Uses a token that was had elsewhere. */
  useToken(token: string): void {
    this.#token = token;
  }

  /** Creates a Standard policy; one of the same name that is there already is replaced. */
  async createPolicy(name: string, clientName: string, folders: string[]): Promise<void> {
    const { status } = await this.#send("GET", `/netbackup/config/policies/${name}`);
    if (status !== 404) await this.#call("DELETE", `/netbackup/config/policies/${name}`, 204);
    const policy = {
      policyName: name,
      policyType: "Standard",
      policyAttributes: { active: true },
      clients: [{ hostName: clientName, OS: "Linux", hardware: "Linux" }],
      schedules: [],
      backupSelections: { selections: folders },
    };
    const body = { data: { type: "policy", id: name, attributes: { policy } } };
    await this.#call("POST", "/netbackup/config/policies/", 204, json(body));
  }

  /** Sends this ticket of an approval along with the order that it is for. */
  useTicket(ticket: string): void {
    this.#ticket = ticket;
  }

  /** Starts a backup of a policy; returns the first job's id. */
  async backUp(policyName: string): Promise<string> {
    const [id = ""] = await this.backUpAll(policyName);
    return id;
  }

  /** Starts a backup; returns the jobs' ids, one for each client. */
  async backUpAll(policyName: string, choice: BackupChoice = {}): Promise<string[]> {
    const body = { data: { type: "backupRequest", attributes: { policyName, ...choice } } };
    const answer = await this.#call("POST", "/netbackup/admin/manual-backup", 202, json(body));
    return startedJobs.parse(JSON.parse(answer)).data.map(({ id }) => id);
  }

  async job(id: string): Promise<Job> {
    const answer = await this.#call("GET", `/netbackup/admin/jobs/${encodeURIComponent(id)}`, 200);
    return z.object({ data: job }).parse(JSON.parse(answer)).data;
  }

  async image(backupId: string): Promise<Image> {
    const answer = await this.#call("GET", `/netbackup/catalog/images/${encodeURIComponent(backupId)}`, 200);
    return z.object({ data: image }).parse(JSON.parse(answer)).data;
  }

  /** Whether the catalogue still knows the image. */
  async hasImage(backupId: string): Promise<boolean> {
    const { status } = await this.#send("GET", `/netbackup/catalog/images/${encodeURIComponent(backupId)}`);
    return status === 200;
  }

  /** Restores paths of an image; returns the job's id. */
  async restore(from: Image, paths: readonly RestoredPath[], terms: RestoreTerms): Promise<string> {
    const { clientName, backupTime, policyType } = from.attributes;
    const { server, destinationClient = clientName, overwrite = false } = terms;
    const renames = paths.filter(({ to }) => to !== undefined);
    const parts: Record<string, unknown> = {
      recoveryRequest: {
        data: {
          type: "physicalFilesFoldersRecoveryRequest",
          attributes: {
            recoveryPoint: {
              client: clientName,
              policyType: recoveryTypes[policyType] ?? policyType.toUpperCase(),
              startDate: backupTime,
              endDate: backupTime,
            },
            recoveryOptions: { server, destinationClient, overwriteExistingFiles: overwrite },
          },
        },
      },
      selectionsFile: paths.map(({ from: path }) => ({ path, backupTime })),
      ...(renames.length === 0 ? {} : { renameFile: renames }),
    };
    const answer = await this.#call(
      "POST",
      "/netbackup/recovery/workloads/physical/scenarios/granular-files-folders/recover",
      201,
      multipart(parts),
    );
    return String(recovery.parse(JSON.parse(answer)).relationships.recoveryJob.data.id);
  }

  /** Expires an image now. */
  async expire(backupId: string): Promise<void> {
    const body = { data: { type: "byBackupId", attributes: { backupId, date: "1970-01-01T00:00:00.000Z" } } };
    await this.#call("POST", "/netbackup/catalog/images/update-expiration-date", 204, json(body));
  }

  /** The primary's notifications after a position, and where to read on. */
  async notifications(after: number): Promise<{ data: FeedEvent[]; next: number }> {
    return this.#hub.notifications(after, this.#primaryId);
  }

  async #call(
    method: ClientRequest["method"],
    path: string,
    expected: number,
    body?: RequestBody,
  ): Promise<string> {
    const { status, text } = await this.#send(
      method,
      path,
      body,
      method === "GET" ? undefined : this.#ticket,
    );
    if (status === expected) return text;
    const ticket = status === 202 ? heldTicket.safeParse(JSON.parse(text)).data?.data.id : undefined;
    if (ticket !== undefined && this.#approved !== undefined) {
      await this.#approved(ticket, `${method} ${path}`);
      const again = await this.#send(method, path, body, ticket);
      if (again.status === expected) return again.text;
      throw new Failure(
        `${method} ${path} was answered ${again.status} after its approval: ${errorTextOf(again.text)}`,
      );
    }
    if (ticket !== undefined)
      throw new Failure(
        `nothing was done yet: it waits for approval on premises; once it is approved, give the same order with --ticket ${ticket}`,
        { exitCode: 3 },
      );
    throw new Failure(`${method} ${path} was answered ${status}: ${errorTextOf(text)}`);
  }

  #send(method: ClientRequest["method"], path: string, body?: RequestBody, ticket?: string) {
    return this.#hub.gateway(this.#primaryId, {
      method,
      path,
      headers: {
        accept: netbackupJson,
        "content-type": body?.type ?? netbackupJson,
        ...(ticket === undefined ? {} : { "sallyport-ticket": ticket }),
      },
      ...(this.#token === undefined ? {} : { authorization: this.#token }),
      ...(body === undefined ? {} : { body: body.text }),
    });
  }
}
