import type { Database } from "@sallyport/durable";
import { Hono } from "hono";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Clock } from "../clock.ts";
import { constantField } from "../filter/constant-field.ts";
import { compileFilter, type FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import { jobPolicyType } from "../policies/policy-type.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { paginationOf, readPage, type QueryReader } from "./pagination.ts";

/** What the routes of licensing work on. */
export interface LicensingOptions {
  database: Database;
  catalogue: Catalogue;
  clock: Clock;
  primaryName: string;
}

/**
 * `/licensing/capacity`: the front-end capacity, computed. As NetBackup counts it: of each client and policy the
 * largest full backup of the last 90 days.
 */
export function licensingRoutes({ database, catalogue, clock, primaryName }: LicensingOptions): ApiRoutes {
  const clientDetails = () => {
    const sinceS = Math.floor(clock.nowMs() / 1000) - limits.capacitySeconds;
    const byClient = Map.groupBy(catalogue.largestFulls(sinceS), ({ clientName }) => clientName);
    return [...byClient].map(([clientName, images]) => ({
      clientName,
      clientConsumptionMB: images.reduce((sum, { kilobytes }) => sum + kilobytes, 0) / 1024,
      policyDetails: images.map(({ backupId, policyName, policyType, kilobytes }) => ({
        backupId,
        policyName,
        masterServer: primaryName,
        policyType: jobPolicyType(policyType),
        policyConsumptionMB: kilobytes / 1024,
      })),
    }));
  };
  const isAsked = (query: QueryReader, fields: FilterFields) => {
    const { sql, values } = compileFilter(query("filter"), fields);
    return database.prepare(`SELECT 1 WHERE ${sql}`).get(...values) !== undefined;
  };
  const masterServer = constantField(primaryName);
  return new Hono<ApiEnvironment>()
    .get("/licensing/capacity", (context) => {
      const query: QueryReader = (name) => context.req.query(name);
      const isOurs = isAsked(query, { masterServer });
      const page = readPage(query, limits.maxPageItems);
      const clients = clientDetails();
      const masterConsumptionMB = clients.reduce((sum, client) => sum + client.clientConsumptionMB, 0);
      const attributes = { masterConsumptionMB, clientDetails: clients };
      const all = isOurs ? [{ type: "capacityLicensing", id: primaryName, attributes }] : [];
      const data = all.slice(page.offset, page.offset + page.limit);
      return context.json({ data, meta: { pagination: paginationOf(all.length, page) } });
    })
    .get("/licensing/capacity/client-details", (context) => {
      const query: QueryReader = (name) => context.req.query(name);
      return context.json(
        clientDetails().filter(({ clientName }) =>
          isAsked(query, { masterServer, clientName: constantField(clientName) }),
        ),
      );
    });
}
