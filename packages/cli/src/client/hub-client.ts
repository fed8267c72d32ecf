import { z } from "zod";
import { fromEnvironment } from "../environment.ts";
import { Failure } from "../failure.ts";
import { readCaFile, readSecret } from "../secrets.ts";
import { HttpsClient, type ClientRequest, type ClientResponse } from "./https-client.ts";

/** How a command finds its hub. */
export interface HubOptions {
  hub?: string;
  apiKeyFile?: string;
  ca?: string;
}

const connection = z.looseObject({
  state: z.string(),
  since: z.string().nullish(),
  lastSeenAt: z.string().nullish(),
  remoteAddress: z.string().nullish(),
  closeCode: z.number().nullish(),
  closeReason: z.string().nullish(),
});
const primary = z.looseObject({ id: z.string(), name: z.string(), connection });
const endpoint = z.object({
  token: z.string(),
  priority: z.number(),
  groupId: z.string(),
  hostName: z.string(),
  url: z.string(),
});
const created = z.object({ id: z.string(), name: z.string(), endpoint, detailsUrl: z.string() });
const cloudEvent = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  time: z.string(),
  position: z.number(),
  data: z.record(z.string(), z.unknown()),
});
const feedPage = z.object({ data: z.array(cloudEvent), next: z.number() });

/** A primary as the hub lists it. */
export type ListedPrimary = z.infer<typeof primary>;
/** A primary that was just enrolled. */
export type CreatedPrimary = z.infer<typeof created>;
/** A notification as the feed gives it. */
export type FeedEvent = z.infer<typeof cloudEvent>;

/** The hub's HTTP API. */
export class HubClient implements AsyncDisposable {
  readonly #https: HttpsClient;
  readonly #apiKey: string;

  constructor(origin: string, apiKey: string, caPem: string | undefined) {
    this.#https = new HttpsClient(origin, caPem);
    this.#apiKey = apiKey;
  }

  /**
   * Makes a client from options and environment: `SALLYPORT_HUB`, `SALLYPORT_API_KEY`, `SALLYPORT_CA`.
   * @throws Failure that says what is missing
   */
  static from(options: HubOptions): HubClient {
    const origin = options.hub ?? fromEnvironment("SALLYPORT_HUB");
    if (origin === undefined) {
      throw new Failure("no hub is named: set SALLYPORT_HUB or give --hub https://HOST:PORT", {
        exitCode: 2,
      });
    }
    const apiKey = readSecret("the API key", "--api-key-file", options.apiKeyFile, "SALLYPORT_API_KEY");
    return new HubClient(origin, apiKey, readCaFile(options.ca ?? fromEnvironment("SALLYPORT_CA")));
  }

  async addPrimary(input: { name: string; groupId?: string; priority?: number }): Promise<CreatedPrimary> {
    return created.parse(
      await this.#json({ method: "POST", path: "/api/v1/primaries", body: JSON.stringify(input) }),
    );
  }

  async listPrimaries(): Promise<ListedPrimary[]> {
    return z
      .object({ data: z.array(primary) })
      .parse(await this.#json({ method: "GET", path: "/api/v1/primaries" })).data;
  }

  /**
   * Finds a primary by id or name.
   * @throws Failure when there is none
   */
  async findPrimary(nameOrId: string): Promise<ListedPrimary> {
    const found = (await this.listPrimaries()).find(({ id, name }) => id === nameOrId || name === nameOrId);
    if (found !== undefined) return found;
    throw new Failure(`the hub has no primary "${nameOrId}"; "sallyport primaries list" shows those it has`);
  }

  async removePrimary(id: string): Promise<void> {
    await this.#json({ method: "DELETE", path: `/api/v1/primaries/${encodeURIComponent(id)}` });
  }

  /** One page of the feed after a position. */
  async notifications(after: number, primaryId?: string): Promise<z.infer<typeof feedPage>> {
    const query = new URLSearchParams({ after: String(after), limit: "1000" });
    if (primaryId !== undefined) query.set("primary", primaryId);
    return feedPage.parse(
      await this.#json({ method: "GET", path: `/api/v1/notifications?${query.toString()}` }),
    );
  }

  /** Sends a call of the REST API through the gateway; the primary's own errors are answers, the hub's too. */
  gateway(primaryId: string, call: ClientRequest & { authorization?: string }): Promise<ClientResponse> {
    const { authorization, headers, path, ...rest } = call;
    const prefixed = path.startsWith("/netbackup/") ? path : `/netbackup/${path.replace(/^\/+/, "")}`;
    return this.#send({
      ...rest,
      path: `/api/v1/primaries/${encodeURIComponent(primaryId)}${prefixed}`,
      headers: {
        ...headers,
        ...(authorization === undefined ? {} : { "x-netbackup-authorization": authorization }),
      },
    });
  }

  async close(): Promise<void> {
    await this.#https.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(call: ClientRequest): Promise<ClientResponse> {
    return this.#https.send({
      ...call,
      headers: { authorization: `Bearer ${this.#apiKey}`, ...call.headers },
    });
  }

  async #json(call: ClientRequest): Promise<unknown> {
    const headers = call.body === undefined ? {} : { "content-type": "application/json" };
    const { status, text } = await this.#send({ ...call, headers });
    if (status >= 200 && status < 300) return text === "" ? undefined : (JSON.parse(text) as unknown);
    throw new Failure(`the hub answered ${status}: ${errorTextOf(text)}`);
  }
}

const errorBody = z.looseObject({ errorMessage: z.string().optional(), detail: z.string().optional() });

/** What an error body says, be it problem+json or NetBackup's; the body's beginning when it is neither. */
export function errorTextOf(text: string): string {
  try {
    const body = errorBody.parse(JSON.parse(text));
    return body.errorMessage ?? body.detail ?? text.slice(0, 300);
  } catch {
    // Not JSON: a proxy in between may have answered. What it said is the best there is.
    return text.slice(0, 300);
  }
}
