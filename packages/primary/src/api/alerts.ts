import type { Database } from "@sallyport/durable";
import { Hono } from "hono";
import { PrimaryError } from "../errors.ts";
import type { FilterFields } from "../filter/filter.ts";
import { jobFromRow, type JobRow } from "../jobs/job-row.ts";
import type { Job } from "../jobs/job.ts";
import { limits } from "../limits.ts";
import { jobPolicyType } from "../policies/policy-type.ts";
import { describeStatus } from "../status-codes.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { listByOffset } from "./offset-list.ts";

const fields: FilterFields = {
  alertId: { sql: "id", type: "number" },
  createdDateTime: { sql: "coalesce(ended_at_ms, 0)", type: "timeMs" },
  category: { sql: "'JOB'", type: "enum" },
  subCategory: {
    sql: "CASE policy_type WHEN 'Standard' THEN 'STANDARD' ELSE 'DATASTORE' END",
    type: "enum",
  },
  context: { sql: "'JOB_STATE_FAILED'", type: "enum" },
  severity: { sql: "CASE status WHEN 1 THEN 'WARNING' ELSE 'ERROR' END", type: "enum" },
};
const failed = "jobs WHERE state = 'DONE' AND status > 0";

/** `/manage/alerts`: every job that has ended with another status than 0, until the job is deleted. */
export function alertRoutes({ database }: { database: Database }): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .get("/manage/alerts", (context) => {
      const { rows, ...envelope } = listByOffset({
        database,
        from: failed,
        fields,
        order: { sql: "id", isDescending: true },
        maxLimit: limits.maxPageItems,
        asked: context.req,
      });
      return context.json({ data: rows.map((row) => resource(jobFromRow(row as JobRow))), ...envelope });
    })
    .get("/manage/alerts/:id", (context) => {
      const id = context.req.param("id");
      const row = /^\d{1,15}$/.test(id)
        ? database.prepare(`SELECT * FROM ${failed} AND id = ?`).get(Number(id))
        : undefined;
      if (row === undefined) throw new PrimaryError("not_found", `there is no alert ${id}`);
      return context.json({ data: resource(jobFromRow(row as JobRow)) });
    });
}

function resource(job: Job) {
  const { text, action } = describeStatus(job.status);
  const iso = (epochMs: number | null) => new Date(epochMs ?? 0).toISOString();
  return {
    type: "alert",
    id: String(job.id),
    links: { self: { href: `/manage/alerts/${job.id}` } },
    attributes: {
      titleId: job.status,
      title: `Job ${job.id} has ended with status ${job.status}`,
      descriptionId: job.status,
      description: `${job.type} of ${job.clientName}: ${text}. ${action}`,
      category: "JOB",
      subCategory: jobPolicyType(job.policyType),
      severity: job.status === 1 ? "WARNING" : "ERROR",
      context: "JOB_STATE_FAILED",
      createdDateTime: iso(job.endedAtMs),
      tags: [],
      systemDefined: true,
      params: {
        jobId: String(job.id),
        parentJobId: String(job.parentId),
        status: String(job.status),
        clientName: job.clientName,
        policyName: job.policyName,
        policyType: jobPolicyType(job.policyType),
        jobType: job.type,
        scheduleName: job.scheduleName,
        startTime: iso(job.startedAtMs ?? job.queuedAtMs),
        endTime: iso(job.endedAtMs),
        erroMsg: text,
      },
    },
  };
}
