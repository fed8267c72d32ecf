import { createRoute, z } from "@hono/zod-openapi";
import { requireRole, type Caller } from "../access/roles.ts";
import type { TargetRow } from "../rollouts/rollout-rows.ts";
import { toRollout, type RolloutRow } from "../rollouts/rollout-rows.ts";
import type { RolloutStore } from "../rollouts/rollout-store.ts";
import type { Rollouts } from "../rollouts/rollouts.ts";
import type { PrimariesView, PrimaryRecord } from "../views/primaries.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import {
  newRolloutSchema,
  rolloutListSchema,
  rolloutPreviewSchema,
  rolloutSchema,
  rolloutsQuerySchema,
  rolloutTargetListSchema,
  rolloutTargetsQuerySchema,
  type Rollout,
  type RolloutTarget,
} from "./rollouts-schemas.ts";

/** What the routes need. */
export interface RolloutsRoutesOptions {
  rollouts: Rollouts;
  rolloutStore: Pick<RolloutStore, "list" | "targets" | "counts">;
  primaries: Pick<PrimariesView, "get">;
  isConnected: (primary: PrimaryRecord) => boolean;
  /** Epoch ms. */
  now: () => number;
}

const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });
const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  200: { description, content: json(schema) },
  ...problemResponses,
});

const create = createRoute({
  method: "post",
  path: "/api/v1/rollouts",
  request: { body: { required: true, content: json(newRolloutSchema) } },
  responses: {
    ...answer("A dry run: what it would reach", rolloutPreviewSchema),
    201: { description: "It runs from now on", content: json(rolloutSchema) },
  },
});
const list = createRoute({
  method: "get",
  path: "/api/v1/rollouts",
  request: { query: rolloutsQuerySchema },
  responses: answer(
    "Rollouts, newest first; those only of which the caller may see all primaries",
    rolloutListSchema,
  ),
});
const get = createRoute({
  method: "get",
  path: "/api/v1/rollouts/{id}",
  request: { params },
  responses: answer("One rollout, with its targets counted by state", rolloutSchema),
});
const targets = createRoute({
  method: "get",
  path: "/api/v1/rollouts/{id}/targets",
  request: { params, query: rolloutTargetsQuerySchema },
  responses: answer("Its primaries, in the order in which they start", rolloutTargetListSchema),
});
const change = <const T extends "pause" | "resume" | "abort">(verb: T, description: string) =>
  createRoute({
    method: "post",
    path: `/api/v1/rollouts/{id}/${verb}`,
    request: { params },
    responses: answer(description, rolloutSchema),
  });
const pause = change("pause", "Starts no more targets; what is started goes on");
const resume = change("resume", "Goes on");
const abort = change(
  "abort",
  "Ended: targets that waited are skipped, commands that have not left for their primary are taken back",
);

/** Adds the routes of rollouts: one command to many primaries. */
export function addRolloutsRoutes(app: ApiApp, options: RolloutsRoutesOptions): void {
  const { rollouts, rolloutStore: store, primaries, isConnected, now } = options;
  const shown = (row: RolloutRow): Rollout => ({
    ...toRollout(row, now()),
    counts: { ...store.counts(row) },
  });
  app.openapi(create, async (c) => {
    const { caller } = c.var;
    requireRole(caller, "operator");
    const wanted = c.req.valid("json");
    if (wanted.dryRun) {
      const reached = rollouts.reach(caller, wanted).map((primary) => ({
        id: primary.id,
        name: primary.name,
        connected: isConnected(primary),
      }));
      return c.json({ dryRun: true as const, targets: reached.length, primaries: reached }, 200);
    }
    const row = await rollouts.create(caller, wanted);
    c.set("auditTarget", `/rollouts/${row.id}`);
    return c.json(shown(row), 201);
  });
  app.openapi(list, (c) => {
    const hidden = rollouts.hiddenFrom(c.var.caller);
    return c.json(store.list({ ...c.req.valid("query"), hidden }), 200);
  });
  app.openapi(get, (c) => c.json(shown(rollouts.require(c.var.caller, c.req.valid("param").id)), 200));
  app.openapi(targets, (c) => {
    const row = rollouts.require(c.var.caller, c.req.valid("param").id);
    const page = store.targets(row, c.req.valid("query"));
    const data = page.data.map((target) => toTarget(target, primaries.get(target.primary_id)?.name));
    return c.json({ data, next: page.next }, 200);
  });
  const changed = (caller: Caller, id: string, verb: "pause" | "resume" | "abort"): Rollout => {
    requireRole(caller, "operator");
    return shown(rollouts[verb](caller, id));
  };
  app.openapi(pause, (c) => c.json(changed(c.var.caller, c.req.valid("param").id, "pause"), 200));
  app.openapi(resume, (c) => c.json(changed(c.var.caller, c.req.valid("param").id, "resume"), 200));
  app.openapi(abort, (c) => c.json(changed(c.var.caller, c.req.valid("param").id, "abort"), 200));
}

function toTarget(row: TargetRow, primaryName: string | undefined): RolloutTarget {
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    primaryId: row.primary_id,
    primaryName: primaryName ?? null,
    state: row.state,
    error: row.error,
    status: row.status,
    commandId: row.started_at_ms === null ? null : row.command_id,
    startedAt: iso(row.started_at_ms),
    endedAt: iso(row.ended_at_ms),
  };
}
