import { Hono, type Context } from "hono";
import type { Logger } from "pino";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { PolicyStore } from "../policies/policy-store.ts";
import { checkPolicy, policySchema, type VersionedPolicy } from "../policies/policy.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { linksOf, paginationOf, readPage } from "./pagination.ts";
import { readJson } from "./request-body.ts";

const createSchema = z.object({
  data: z.object({
    type: z.literal("policy"),
    id: z.string().nullish(),
    attributes: z.object({ policy: policySchema }),
  }),
});

/** What the policies' routes work on. */
export interface PolicyRoutesOptions {
  policies: PolicyStore;
  localClients: readonly string[];
  log: Logger;
}

/** `/config/policies` */
export function policyRoutes({ policies, localClients, log }: PolicyRoutesOptions): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .post("/config/policies", async (context) => {
      const { data } = await readJson(context, createSchema);
      const { policy } = data.attributes;
      if (data.id != null && data.id !== "" && data.id !== policy.policyName) {
        throw new PrimaryError("invalid_request", "data.id and policyName name different policies");
      }
      checkPolicy(policy, localClients);
      const made = policies.create(policy);
      log.info(
        { policyName: policy.policyName, userName: context.get("principal").userName },
        "policy.created",
      );
      context.header("Location", `/netbackup/config/policies/${encodeURIComponent(policy.policyName)}`);
      setEtag(context, made);
      return context.body(null, 204);
    })
    .get("/config/policies", (context) => {
      refuseFilterAndSort(context);
      const page = readPage((name) => context.req.query(name), limits.maxPolicyPageItems);
      const pagination = paginationOf(policies.count(), page);
      const data = policies.list(page).map(listItem);
      return context.json({ data, meta: { pagination }, links: linksOf(context.req.url, pagination) });
    })
    .get("/config/policies/:name", (context) => {
      const found = policies.get(context.req.param("name"));
      setEtag(context, found);
      return context.json({ data: detail(found) });
    })
    .delete("/config/policies/:name", (context) => {
      const name = context.req.param("name");
      checkIfMatch(context, policies.get(name));
      policies.delete(name);
      log.info({ policyName: name, userName: context.get("principal").userName }, "policy.deleted");
      return context.body(null, 204);
    });
}

function setEtag(context: Context, { generation }: VersionedPolicy): void {
  context.header("ETag", String(generation));
}

/** An empty If-Match counts as none: some clients send what they kept of an answer without one. */
function checkIfMatch(context: Context, { policy, generation }: VersionedPolicy): void {
  const wanted = (context.req.header("if-match") ?? "").replaceAll(/^(W\/)?"|"$/g, "").trim();
  if (wanted === "" || wanted === "*" || wanted === String(generation)) return;
  throw new PrimaryError(
    "changed_meanwhile",
    `the policy "${policy.policyName}" is at generation ${generation}, not ${wanted}: read it again`,
  );
}

function refuseFilterAndSort(context: Context): void {
  for (const name of ["filter", "sort"]) {
    if ((context.req.query(name) ?? "") !== "") {
      throw new PrimaryError("invalid_filter", `${name} is not supported for policies: leave it out`);
    }
  }
}

function attributesOf({ policy, generation }: VersionedPolicy) {
  return {
    ...withoutNulls(policy.policyAttributes),
    active: policy.policyAttributes.active ?? true,
    generationId: generation,
  };
}

function listItem(found: VersionedPolicy) {
  const { policy } = found;
  return {
    type: "policy",
    id: policy.policyName,
    links: linksTo(policy.policyName),
    attributes: { policyType: policy.policyType, ...attributesOf(found) },
  };
}

function detail(found: VersionedPolicy) {
  const { policy } = found;
  return {
    type: "policy",
    id: policy.policyName,
    links: linksTo(policy.policyName),
    attributes: {
      policy: withoutNulls({ ...policy, policyAttributes: attributesOf(found) }),
    },
  };
}

function linksTo(name: string) {
  return { self: { href: `/config/policies/${encodeURIComponent(name)}` } };
}

/** Clients send null for "the default"; the documented answers have no null. */
function withoutNulls(value: unknown): object {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) => (part === null ? undefined : part)),
  ) as object;
}
