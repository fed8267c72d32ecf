import type { Database } from "@sallyport/durable";
import { Hono, type Context, type MiddlewareHandler } from "hono";
import type { AuditCategory, AuditOperation, AuditTrail } from "../audit/audit-trail.ts";
import { PrimaryError } from "../errors.ts";
import { constantField } from "../filter/constant-field.ts";
import type { FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { listByOffset } from "./offset-list.ts";

const categories: readonly (readonly [prefix: string, category: AuditCategory])[] = [
  ["/config/policies", "POLICY"],
  ["/admin/manual-backup", "JOB"],
  ["/admin/jobs", "JOB"],
  ["/admin/bulk-job-requests", "JOB"],
  ["/recovery", "JOB"],
  ["/catalog", "CATALOG"],
  ["/storage/storage-units", "STU"],
  ["/storage/disk-pools", "POOL"],
  ["/storage/storage-servers", "STORAGESRV"],
  ["/security/api-keys", "USER"],
  ["/user-sessions", "LOGIN"],
  ["/logout", "LOGIN"],
  ["/config/hosts", "HOST"],
  ["/config", "CONFIG"],
];
const operations: readonly (readonly [end: RegExp, operation: AuditOperation])[] = [
  [/\/(cancel|suspend)$/, "CANCEL"],
  [/\/resume$/, "RESUME"],
  [/\/(restart|recover|manual-backup|verify-images)$/, "START"],
  [/\/(update-expiration-date|copy)$/, "MODIFY"],
  [/\/expire-images$/, "DELETE"],
];
const byMethod: Readonly<Record<string, AuditOperation>> = {
  POST: "CREATE",
  PUT: "MODIFY",
  PATCH: "MODIFY",
  DELETE: "DELETE",
};
/** Reading in the form of a POST. */
const questions = new Set(["/admin/jobs-count-requests", "/catalog/image-contents-size"]);

/** Records every request behind the authentication that changes something and is not refused, before it is answered. */
export function recordChanges(audit: AuditTrail): MiddlewareHandler<ApiEnvironment> {
  return async (context, next) => {
    await next();
    const { method } = context.req;
    const path = context.req.path.replace(/^\/netbackup/, "");
    const changed = byMethod[method];
    if (changed === undefined || context.res.status >= 400 || questions.has(path)) return;
    const { userName } = context.get("principal");
    audit.add({
      userName,
      category: categories.find(([prefix]) => path.startsWith(prefix))?.[1] ?? "GENERAL",
      operation: operations.find(([end]) => end.test(path))?.[1] ?? changed,
      message: `${method} ${path} by ${userName}`.slice(0, 1024),
      reason: readReason(context.req.header("x-netbackup-audit-reason")),
    });
  };
}

function readReason(header: string | undefined): string {
  const cut = Buffer.from(header ?? "")
    .subarray(0, limits.maxAuditReasonBytes)
    .toString();
  try {
    return decodeURIComponent(cut);
  } catch {
    // Not encoded, or cut within a character: kept as it came.
    return cut;
  }
}

const storedFields: FilterFields = {
  id: { sql: "id", type: "number" },
  messageId: { sql: "id", type: "number" },
  category: { sql: "category", type: "enum" },
  operation: { sql: "operation", type: "enum" },
  message: { sql: "message", type: "text" },
  reason: { sql: "reason", type: "text" },
  userName: { sql: "user_name", type: "text" },
  "auditUserIdentity/userName": { sql: "user_name", type: "text" },
  auditDateTime: { sql: "at_ms", type: "timeMs" },
};

/** `/security/auditlogs`, and of them the logins: `/security/logindetails`. */
export function auditRoutes({
  database,
  primaryName,
}: {
  database: Database;
  primaryName: string;
}): ApiRoutes {
  const resource = (row: Readonly<Record<string, unknown>>) => ({
    type: "audit",
    id: String(row["id"]),
    links: { self: { href: `/security/auditlogs/${String(row["id"])}` } },
    attributes: {
      messageId: Number(row["id"]),
      category: row["category"],
      operation: row["operation"],
      message: row["message"],
      reason: row["reason"],
      auditDateTime: new Date(Number(row["at_ms"])).toISOString(),
      auditUserIdentity: { userName: row["user_name"], domainName: primaryName, domainType: 4 },
    },
  });
  const fields = { ...storedFields, domainName: constantField(primaryName) };
  const list = (from: string) => (context: Context<ApiEnvironment>) => {
    const { rows, ...envelope } = listByOffset({
      database,
      from,
      fields,
      order: { sql: "id", isDescending: true },
      maxLimit: limits.maxPageItems,
      asked: context.req,
    });
    return context.json({ data: rows.map(resource), ...envelope });
  };
  return new Hono<ApiEnvironment>()
    .get("/security/auditlogs", list("audit"))
    .get("/security/logindetails", list("audit WHERE category = 'LOGIN' AND operation = 'ACCESS'"))
    .get("/security/auditlogs/:id", (context) => {
      const id = context.req.param("id");
      const row = /^\d{1,15}$/.test(id)
        ? database.prepare("SELECT * FROM audit WHERE id = ?").get(Number(id))
        : undefined;
      if (row === undefined) throw new PrimaryError("not_found", `there is no entry ${id} in the audit`);
      return context.json({ data: resource(row) });
    });
}
