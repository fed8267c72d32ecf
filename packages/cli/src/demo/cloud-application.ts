import { z } from "zod";
import { errorTextOf, type FeedEvent, type HubClient } from "../client/hub-client.ts";
import type { ClientRequest } from "../client/https-client.ts";
import { netbackupJson, tokenOf } from "../client/primary-client.ts";
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
  }),
});
const startedJobs = z.object({ data: z.array(z.looseObject({ id: z.string() })).min(1) });
const heldTicket = z.object({ data: z.looseObject({ type: z.literal("sallyportTicket"), id: z.string() }) });
const recovery = z.looseObject({
  relationships: z.looseObject({
    recoveryJob: z.looseObject({ data: z.looseObject({ id: z.union([z.string(), z.number()]) }) }),
  }),
});

/** A job as the REST API shows it. */
export type Job = z.infer<typeof job>;
/** An image as the REST API shows it. */
export type Image = z.infer<typeof image>;

interface RequestBody {
  text: string;
  type: string;
}

const json = (value: unknown): RequestBody => ({ text: JSON.stringify(value), type: netbackupJson });

/** What a cloud application does with one primary, through the hub's gateway and feed alone. */
export class CloudApplication {
  readonly #hub: HubClient;
  readonly #primaryId: string;
  #token: string | undefined;
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

  /** Starts a backup; returns the job's id. */
  async backUp(policyName: string): Promise<string> {
    const body = { data: { type: "backupRequest", attributes: { policyName } } };
    const answer = await this.#call("POST", "/netbackup/admin/manual-backup", 202, json(body));
    const [started] = startedJobs.parse(JSON.parse(answer)).data;
    return started?.id ?? "";
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

  /** Restores folders of an image to other places; returns the job's id. */
  async restore(from: Image, renames: { from: string; to: string }[], server: string): Promise<string> {
    const { clientName, backupTime } = from.attributes;
    const parts: Record<string, unknown> = {
      recoveryRequest: {
        data: {
          type: "physicalFilesFoldersRecoveryRequest",
          attributes: {
            recoveryPoint: {
              client: clientName,
              policyType: "STANDARD",
              startDate: backupTime,
              endDate: backupTime,
            },
            recoveryOptions: { server, destinationClient: clientName, overwriteExistingFiles: false },
          },
        },
      },
      selectionsFile: renames.map(({ from: path }) => ({ path, backupTime })),
      renameFile: renames,
    };
    const form = new FormData();
    for (const [name, value] of Object.entries(parts)) {
      form.set(name, new Blob([JSON.stringify(value)], { type: "application/json" }), "blob");
    }
    const encoded = new Response(form);
    const answer = await this.#call(
      "POST",
      "/netbackup/recovery/workloads/physical/scenarios/granular-files-folders/recover",
      201,
      { text: await encoded.text(), type: encoded.headers.get("content-type") ?? "" },
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
    const { status, text } = await this.#send(method, path, body);
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
      throw new Failure(`${method} ${path} waits for approval on premises: ${ticket}`);
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
