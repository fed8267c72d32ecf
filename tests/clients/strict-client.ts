import assert from "node:assert/strict";
import { Agent, request } from "undici";
import { contractProblems } from "../../packages/primary/src/testing/contract.ts";
import type { Seen } from "./transcript.ts";

/** Where a client calls, and whom it trusts. */
export interface Way {
  base: string;
  ca: string;
}

/** What a call consists of. */
export interface StrictCall {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  version?: string;
  headers?: Readonly<Record<string, string>>;
  body?: object;
}

const greatestInt32 = 2 ** 31 - 1;

/**
 * A client that decodes like Go's with types made from NetBackup's documents: a member that they do not name, one that is
 * missing or of another type, an integer that does not fit is an error. (Written in TypeScript: it stands for such clients.)
 */
export class StrictClient implements AsyncDisposable {
  readonly seen: Seen[] = [];
  token = "";
  readonly #way: Way;
  readonly #agent: Agent;

  constructor(way: Way) {
    this.#way = way;
    this.#agent = new Agent({ connect: { ca: way.ca } });
  }

  async call(step: string, path: string, call: StrictCall = {}): Promise<Seen> {
    const { method = "GET", version = "14.0", headers = {}, body } = call;
    const type = `application/vnd.netbackup+json;version=${version}`;
    const answer = await request(`${this.#way.base}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: {
        accept: type,
        ...(this.token === "" ? {} : { authorization: this.token }),
        ...(body === undefined ? {} : { "content-type": type }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const seen: Seen = {
      step,
      method,
      path,
      status: answer.statusCode,
      headers: Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]),
      ),
      body: bytes,
    };
    checkAnswer(seen);
    this.seen.push(seen);
    return seen;
  }

  async expect(status: number, step: string, path: string, call: StrictCall = {}): Promise<unknown> {
    const seen = await this.call(step, path, call);
    assert.equal(seen.status, status, `${step}: ${seen.body.toString()}`);
    return seen.body.length === 0 ? undefined : (JSON.parse(seen.body.toString()) as unknown);
  }

  async logIn(userName: string, password: string): Promise<void> {
    const body = { userName, password };
    const { token } = (await this.expect(201, "login", "/login", { method: "POST", body })) as {
      token: string;
    };
    this.token = token;
  }

  /** As exporters do: the newest version that is not refused, from above. */
  async probe(): Promise<string> {
    for (const version of ["16.0", "15.0", "14.0", "13.0", "12.0", "10.0"]) {
      const { status } = await this.call(`probe ${version}`, "/admin/jobs?page[limit]=1", { version });
      if (status === 200) return version;
      assert.equal(status, 406);
    }
    throw new Error("no version is accepted");
  }

  /** Every job by cursors, until the next one is missing or empty. */
  async jobsByCursor(version: string, limit: number): Promise<string[]> {
    const ids: string[] = [];
    for (let next: string | undefined = ""; next !== undefined;) {
      const after = next === "" ? "" : `&page[after]=${encodeURIComponent(next)}`;
      const page = (await this.expect(200, `jobs after ${next}`, `/admin/jobs?page[limit]=${limit}${after}`, {
        version,
      })) as { data: { id: string }[]; meta: { pagination: { next?: string } } };
      ids.push(...page.data.map(({ id }) => id));
      ({ next } = page.meta.pagination);
    }
    return ids;
  }

  /** The same by numbers of records, with the filter of an exporter of that time. */
  async jobsByOffset(version: string, limit: number, since: string): Promise<string[]> {
    const filter = encodeURIComponent(`(endTime ge ${since} or endTime eq 1970-01-01T00:00:00.000Z)`);
    const ids: string[] = [];
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const path = `/admin/jobs?page[limit]=${limit}&page[offset]=${offset}&filter=${filter}`;
      const page = (await this.expect(200, `jobs from ${offset}`, path, { version })) as {
        data: { id: string }[];
        meta: { pagination: { next?: number } };
      };
      ids.push(...page.data.map(({ id }) => id));
      offset = page.meta.pagination.next;
    }
    return ids;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#agent.close();
  }
}

/** Compares what any client saw with the documents, strictly. */
export function checkAnswer({ step, method, path, status, headers, body }: Seen): void {
  const isJson = headers["content-type"]?.includes("json") === true && body.length > 0;
  const text = body.toString();
  const value: unknown = isJson ? JSON.parse(text) : null;
  assert.deepEqual(
    contractProblems(method, path, { status, headers, text, body: value }),
    [],
    `${step}: ${text}`,
  );
  if (path.startsWith("/admin/jobs")) checkIntegers(value, step);
}

function checkIntegers(value: unknown, step: string): void {
  if (typeof value === "number" && Number.isInteger(value)) {
    assert.ok(Math.abs(value) <= greatestInt32, `${step}: ${value} is no int32`);
  } else if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) checkIntegers(part, step);
  }
}
