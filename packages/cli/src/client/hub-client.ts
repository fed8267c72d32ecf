import { fetch, type Response } from "undici";
import { z } from "zod";
import { Failure } from "../failure.ts";
import {
  created,
  feedPage,
  pageOf,
  primary,
  type CreatedPrimary,
  type ListedPrimary,
} from "./hub-schemas.ts";
import type { ProxyTarget } from "./proxy.ts";
import { findHub, type HubOptions } from "./hub-access.ts";
import { HttpsClient, type ClientRequest, type ClientResponse } from "./https-client.ts";

export type { HubOptions } from "./hub-access.ts";
export type { CreatedPrimary, FeedEvent, ListedPrimary } from "./hub-schemas.ts";

/** What an EventSource hands to its `fetch`. */
export interface FetchInit {
  signal?: AbortSignal | null;
  headers: Record<string, string>;
}

/** Values of a query; undefined ones are left out, of a list each is repeated. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** The hub's HTTP API. */
export class HubClient implements AsyncDisposable {
  readonly #https: HttpsClient;
  readonly #apiKey: string;

  constructor(origin: string, apiKey: string, caPem: string | undefined) {
    this.#https = new HttpsClient(origin, caPem);
    this.#apiKey = apiKey;
  }

  /**
   * Makes a client for the hub that `findHub` finds.
   * @throws Failure that says what is missing
   */
  static from(options: HubOptions): HubClient {
    const { origin, caPem, readApiKey } = findHub(options);
    return new HubClient(origin, readApiKey(), caPem);
  }

  /** The hub's origin. */
  get origin(): string {
    return this.#https.origin;
  }

  async addPrimary(input: {
    name: string;
    groupId?: string;
    priority?: number;
    labels?: Record<string, string>;
  }): Promise<CreatedPrimary> {
    return this.post("/api/v1/primaries", created, input);
  }

  /** All primaries that match, page by page. */
  listPrimaries(query: Query = {}): Promise<ListedPrimary[]> {
    return this.all("/api/v1/primaries", primary, query);
  }

  /**
   * Finds a primary by id or name.
   * @throws Failure when there is none
   */
  findPrimary(nameOrId: string): Promise<ListedPrimary> {
    return this.findOne("/api/v1/primaries", primary, "primary", ({ id, name }) => [id, name], nameOrId);
  }

  /**
   * Finds one thing of a list by any of its names.
   * @param what what it is called in the message
   * @throws Failure when there is none, or more than one
   */
  async findOne<T extends z.ZodType>(
    ...[path, schema, what, namesOf, wanted]: [
      path: string,
      schema: T,
      what: string,
      namesOf: (item: z.infer<T>) => string[],
      wanted: string,
    ]
  ): Promise<z.infer<T>> {
    const [found, ...more] = (await this.all(path, schema)).filter((item) => namesOf(item).includes(wanted));
    if (more.length > 0) {
      throw new Failure(`${more.length + 1} are named "${wanted}"; give the id`, { exitCode: 2 });
    }
    if (found !== undefined) return found;
    const command = path.split("/").at(-1);
    throw new Failure(`the hub has no ${what} "${wanted}"; "sallyport ${command} list" shows what it has`);
  }

  async removePrimary(id: string): Promise<void> {
    await this.delete(`/api/v1/primaries/${encodeURIComponent(id)}`);
  }

  /** One page of what the primaries notified after a position. */
  async notifications(after: number, primaryId?: string): Promise<z.infer<typeof feedPage>> {
    return this.get("/api/v1/notifications", feedPage, {
      type: "netbackup.",
      after,
      limit: 1000,
      primary: primaryId,
    });
  }

  /** Reads one thing. @throws Failure with what the hub said when it refuses */
  async get<T extends z.ZodType>(path: string, schema: T, query: Query = {}): Promise<z.infer<T>> {
    return schema.parse(await this.#json({ method: "GET", path: withQuery(path, query) }));
  }

  /** Reads a list to its end, page by page; at most `maxItems`. */
  async all<T extends z.ZodType>(
    path: string,
    item: T,
    query: Query = {},
    maxItems = Infinity,
  ): Promise<z.infer<T>[]> {
    const items: z.infer<T>[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await this.get(path, pageOf(item), { ...query, cursor });
      items.push(...(page.data as z.infer<T>[]));
      if (page.next === null || page.next === undefined || items.length >= maxItems) {
        return items.slice(0, maxItems);
      }
      cursor = page.next;
    }
  }

  /** @throws Failure with what the hub said when it refuses */
  post<T extends z.ZodType>(path: string, schema: T, body?: unknown): Promise<z.infer<T>> {
    return this.#change("POST", path, schema, body);
  }

  /** @throws Failure with what the hub said when it refuses */
  patch<T extends z.ZodType>(path: string, schema: T, body: unknown): Promise<z.infer<T>> {
    return this.#change("PATCH", path, schema, body);
  }

  /** @throws Failure with what the hub said when it refuses */
  put<T extends z.ZodType>(path: string, schema: T, body: unknown): Promise<z.infer<T>> {
    return this.#change("PUT", path, schema, body);
  }

  /** @throws Failure with what the hub said when it refuses */
  async delete(path: string): Promise<void> {
    await this.#json({ method: "DELETE", path });
  }

  /** The whole address of a path; never with a secret in it. */
  addressOf(path: string, query: Query = {}): string {
    return `${this.origin}${withQuery(path, query)}`;
  }

  /** `fetch` with the key and what this client trusts, for a library that brings the rest. */
  fetch(path: string, query: Query, init: FetchInit): Promise<Response> {
    return fetch(this.addressOf(path, query), {
      ...init,
      redirect: "error",
      headers: { ...init.headers, authorization: `Bearer ${this.#apiKey}` },
      dispatcher: this.#https.dispatcher,
    });
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

  /** Where a proxy of one primary sends its requests. */
  proxyTarget(primaryId: string): ProxyTarget {
    return {
      dispatcher: this.#https.dispatcher,
      origin: this.origin,
      prefix: `/api/v1/primaries/${encodeURIComponent(primaryId)}`,
      apiKey: this.#apiKey,
    };
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

  async #change<T extends z.ZodType>(
    method: "POST" | "PATCH" | "PUT",
    path: string,
    schema: T,
    body: unknown,
  ): Promise<z.infer<T>> {
    const call: ClientRequest = { method, path };
    return schema.parse(
      await this.#json(body === undefined ? call : { ...call, body: JSON.stringify(body) }),
    );
  }

  async #json(call: ClientRequest): Promise<unknown> {
    const headers = call.body === undefined ? {} : { "content-type": "application/json" };
    const { status, text } = await this.#send({ ...call, headers });
    if (status >= 200 && status < 300) return text === "" ? undefined : (JSON.parse(text) as unknown);
    throw new Failure(`the hub answered ${status}: ${errorTextOf(text)}`);
  }
}

function withQuery(path: string, query: Query): string {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      if (one !== undefined) values.append(name, String(one));
    }
  }
  return values.size === 0 ? path : `${path}?${values.toString()}`;
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
