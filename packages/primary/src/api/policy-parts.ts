import { Hono, type Context } from "hono";
import { z } from "zod";
import { PrimaryError } from "../errors.ts";
import type { PolicyStore } from "../policies/policy-store.ts";
import {
  checkPolicy,
  clientSchema,
  selectionsSchema,
  type Policy,
  type PolicyScope,
} from "../policies/policy.ts";
import { scheduleSchema } from "../policies/schedule.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { checkIfMatch, setEtag } from "./policies.ts";
import { readJson } from "./request-body.ts";

const clientBodySchema = z.object({
  data: z.object({ type: z.string(), attributes: clientSchema.partial({ hostName: true }) }),
});
const scheduleBodySchema = z.object({
  data: z.object({ type: z.literal("schedule"), attributes: scheduleSchema.partial({ scheduleName: true }) }),
});
const selectionsBodySchema = z.object({
  data: z.object({ type: z.string(), attributes: z.object({ selections: selectionsSchema }) }),
});

/** What the routes of a policy's parts work on. */
export interface PolicyPartRoutesOptions {
  policies: PolicyStore;
  policyScope: PolicyScope;
}

/** Clients, schedules and backup selections below one policy: each change is a new generation of it. */
export function policyPartRoutes({ policies, policyScope }: PolicyPartRoutesOptions): ApiRoutes {
  const change = (context: Context<ApiEnvironment>, edit: (policy: Policy) => Policy) => {
    const changed = policies.change(context.req.param("name") ?? "", (found) => {
      checkIfMatch(context, found);
      const policy = edit(found.policy);
      checkPolicy(policy, policyScope);
      return policy;
    });
    setEtag(context, changed);
  };
  return new Hono<ApiEnvironment>()
    .put("/config/policies/:name/clients/:client", async (context) => {
      const hostName = context.req.param("client");
      const { attributes } = (await readJson(context, clientBodySchema)).data;
      const client = named(clientSchema, { ...attributes, hostName });
      let isNew = false;
      change(context, (policy) => {
        const rest = policy.clients.filter((one) => !isSame(one.hostName, hostName));
        isNew = rest.length === policy.clients.length;
        return { ...policy, clients: [...rest, client] };
      });
      return context.body(null, isNew ? 201 : 204);
    })
    .delete("/config/policies/:name/clients/:client", (context) => {
      const hostName = context.req.param("client");
      change(context, (policy) => {
        const clients = policy.clients.filter((one) => !isSame(one.hostName, hostName));
        if (clients.length === policy.clients.length) throw missing(policy, "client", hostName);
        return { ...policy, clients };
      });
      return context.body(null, 204);
    })
    .put("/config/policies/:name/schedules/:schedule", async (context) => {
      const scheduleName = context.req.param("schedule");
      const { attributes } = (await readJson(context, scheduleBodySchema)).data;
      const schedule = named(scheduleSchema, { ...attributes, scheduleName });
      let isNew = false;
      change(context, (policy) => {
        const at = policy.schedules.findIndex((one) => one.scheduleName === scheduleName);
        isNew = at === -1;
        return {
          ...policy,
          schedules: isNew ? [...policy.schedules, schedule] : policy.schedules.with(at, schedule),
        };
      });
      return context.body(null, isNew ? 201 : 204);
    })
    .delete("/config/policies/:name/schedules/:schedule", (context) => {
      const scheduleName = context.req.param("schedule");
      change(context, (policy) => {
        const schedules = policy.schedules.filter((one) => one.scheduleName !== scheduleName);
        if (schedules.length === policy.schedules.length) throw missing(policy, "schedule", scheduleName);
        return { ...policy, schedules };
      });
      return context.body(null, 204);
    })
    .put("/config/policies/:name/backupselections", async (context) => {
      const { selections } = (await readJson(context, selectionsBodySchema)).data.attributes;
      change(context, (policy) => ({
        ...policy,
        backupSelections: { selections: [...new Set(selections)] },
      }));
      return context.body(null, 204);
    })
    .delete("/config/policies/:name/backupselections", (context) => {
      change(context, (policy) => ({ ...policy, backupSelections: { selections: [] } }));
      return context.body(null, 204);
    });
}

/** The name in the path counts; it has to be one. */
function named<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new PrimaryError("invalid_request", `${issue?.path.join(".")}: ${issue?.message}`);
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function missing(policy: Policy, what: string, name: string): PrimaryError {
  return new PrimaryError("not_found", `the policy "${policy.policyName}" has no ${what} "${name}"`);
}
