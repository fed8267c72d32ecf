import type { Database } from "@sallyport/durable";
import { Hono, type Context } from "hono";
import type { Logger } from "pino";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import { constantField } from "../filter/constant-field.ts";
import type { FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import { policyAttributesSchema } from "../policies/policy-attributes.ts";
import { policyNameSchema } from "../policies/policy-name.ts";
import { policyFromRow, type PolicyStore } from "../policies/policy-store.ts";
import {
  checkPolicy,
  policySchema,
  type Policy,
  type PolicyScope,
  type VersionedPolicy,
} from "../policies/policy.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { listByOffset } from "./offset-list.ts";
import { policyListItem, policyResource } from "./policy-resource.ts";
import { readJson } from "./request-body.ts";

/**
 * Clients write the policy as `policy`, and some under the name of its schema: of its own type, or of the generic one
 * (`X-NetBackup-Policy-Use-Generic-Schema`), whose policies of type Standard have the same members.
 */
const containers = ["policy", "policyStandard", "policyGeneric"];
const policyBodySchema = z.object({
  data: z.object({
    type: z.literal("policy"),
    id: z.string().nullish(),
    attributes: z.preprocess(
      (given) => {
        const found = Object.entries(given ?? {}).find(([name]) => containers.includes(name));
        return { policy: found?.[1] as unknown };
      },
      z.object({ policy: policySchema }),
    ),
  }),
});
const patchSchema = z.object({
  data: z.object({
    type: z.literal("patchPolicyRequest"),
    id: z.string().nullish(),
    attributes: z.object({ policy: z.object({ policyAttributes: policyAttributesSchema.partial() }) }),
  }),
});
const copySchema = z.object({
  data: z.object({ type: z.literal("copyPolicyRequest"), id: policyNameSchema }),
});

const attribute = (name: string, none: string) =>
  `coalesce(json_extract(definition, '$.policyAttributes.${name}'), ${none})`;
const fields: FilterFields = {
  id: { sql: "name", type: "text" },
  policyName: { sql: "name", type: "text" },
  policyType: { sql: "upper(json_extract(definition, '$.policyType'))", type: "enum" },
  active: { sql: attribute("active", "1"), type: "boolean" },
  keyword: { sql: attribute("keyword", "''"), type: "text" },
  storage: { sql: attribute("storage", "''"), type: "text" },
  priority: { sql: attribute("priority", "0"), type: "number" },
  jobLimit: { sql: attribute("jobLimit", "0"), type: "number" },
  generationId: { sql: "generation", type: "number" },
  autoManagedType: { sql: attribute("autoManagedType", "0"), type: "number" },
  ...Object.fromEntries(
    [
      "dataClassification",
      "volumePool",
      "mediaOwner",
      "effectiveDateUTC",
      "collectTrueImageRestoreInfo",
      "alternateClientHostname",
      "dataMoverMachine",
      "snapshotMethod",
    ].map((name) => [name, { sql: attribute(name, "''"), type: "text" }]),
  ),
  // Attributes of types of policies that there are none of here.
  ...Object.fromEntries(
    [
      "backupHost",
      "backupHostPool",
      "scaleOutServer",
      "exchangeServerList",
      "exchangeDatabaseBackupSource",
      "deploymentPackageFormalName",
      "deploymentMediaServer",
    ].map((name) => [name, constantField("")]),
  ),
};

/** What the policies' routes work on. */
export interface PolicyRoutesOptions {
  database: Database;
  policies: PolicyStore;
  policyScope: PolicyScope;
  log: Logger;
}

/** `/config/policies`; what lies below one policy is in `policy-parts.ts`. */
export function policyRoutes({ database, policies, policyScope, log }: PolicyRoutesOptions): ApiRoutes {
  const record = (event: string, context: Context<ApiEnvironment>, policyName: string) =>
    log.info({ policyName, userName: context.get("principal").userName }, event);
  const made = (context: Context<ApiEnvironment>, found: VersionedPolicy) => {
    context.header("Location", `/netbackup/config/policies/${encodeURIComponent(found.policy.policyName)}`);
    setEtag(context, found);
    return context.body(null, 204);
  };
  return new Hono<ApiEnvironment>()
    .post("/config/policies", async (context) => {
      const { data } = await readJson(context, policyBodySchema);
      const { policy } = data.attributes;
      checkName(data.id, policy);
      checkPolicy(policy, policyScope);
      const created = policies.create(policy);
      record("policy.created", context, policy.policyName);
      return made(context, created);
    })
    .get("/config/policies", (context) => {
      const { rows, ...envelope } = listByOffset({
        database,
        from: "policies",
        fields,
        order: { sql: "name", isDescending: false },
        maxLimit: limits.maxPolicyPageItems,
        asked: context.req,
      });
      return context.json({ data: rows.map((row) => policyListItem(policyFromRow(row))), ...envelope });
    })
    .get("/config/policies/:name", (context) => {
      const found = policies.get(context.req.param("name"));
      setEtag(context, found);
      return context.json({ data: policyResource(found) });
    })
    .put("/config/policies/:name", async (context) => {
      const name = context.req.param("name");
      const { data } = await readJson(context, policyBodySchema);
      const { policy } = data.attributes;
      checkName(data.id, policy);
      if (policy.policyName !== name) {
        throw new PrimaryError(
          "invalid_request",
          `a policy can't be renamed to "${policy.policyName}": copy it instead`,
        );
      }
      checkPolicy(policy, policyScope);
      const changed = policies.change(name, (found) => {
        checkIfMatch(context, found);
        return policy;
      });
      record("policy.changed", context, name);
      return made(context, changed);
    })
    .patch("/config/policies/:name", async (context) => {
      const name = context.req.param("name");
      const { policyAttributes } = (await readJson(context, patchSchema)).data.attributes.policy;
      const changed = policies.change(name, (found) => {
        checkIfMatch(context, found);
        const policy = {
          ...found.policy,
          policyAttributes: { ...found.policy.policyAttributes, ...policyAttributes },
        };
        checkPolicy(policy, policyScope);
        return policy;
      });
      record("policy.changed", context, name);
      setEtag(context, changed);
      return context.body(null, 204);
    })
    .delete("/config/policies/:name", (context) => {
      const name = context.req.param("name");
      checkIfMatch(context, policies.get(name));
      policies.delete(name);
      record("policy.deleted", context, name);
      return context.body(null, 204);
    })
    .post("/config/policies/:name/copy", async (context) => {
      const { id } = (await readJson(context, copySchema)).data;
      const { policy } = policies.get(context.req.param("name"));
      const copied = policies.create({ ...policy, policyName: id });
      record("policy.created", context, id);
      return made(context, copied);
    });
}

function checkName(id: string | null | undefined, policy: Policy): void {
  if (id == null || id === "" || id === policy.policyName) return;
  throw new PrimaryError("invalid_request", "data.id and policyName name different policies");
}

/** The ETag of a policy is its generation. */
export function setEtag(context: Context, { generation }: VersionedPolicy): void {
  context.header("ETag", String(generation));
}

/**
 * An empty If-Match counts as none: some clients send what they kept of an answer without one.
 * @throws PrimaryError `changed_meanwhile`
 */
export function checkIfMatch(context: Context, { policy, generation }: VersionedPolicy): void {
  const wanted = (context.req.header("if-match") ?? "").replaceAll(/^(W\/)?"|"$/g, "").trim();
  if (wanted === "" || wanted === "*" || wanted === String(generation)) return;
  throw new PrimaryError(
    "changed_meanwhile",
    `the policy "${policy.policyName}" is at generation ${generation}, not ${wanted}: read it again`,
  );
}
