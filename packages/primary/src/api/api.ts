import type { Database } from "@sallyport/durable";
import { Hono, type MiddlewareHandler } from "hono";
import { getPath } from "hono/utils/url";
import type { Logger } from "pino";
import type { Sessions } from "../access/sessions.ts";
import type { AuditTrail } from "../audit/audit-trail.ts";
import type { ImageContents } from "../catalogue/image-contents.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import { PrimaryError } from "../errors.ts";
import { limits } from "../limits.ts";
import { alertRoutes } from "./alerts.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import { auditRoutes, recordChanges } from "./audit.ts";
import { authenticate } from "./authentication.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { imageActionRoutes, type ImageActionOptions } from "./image-actions.ts";
import { bulkJobRoutes } from "./bulk-jobs.ts";
import { elsewhereRoutes } from "./services-elsewhere.ts";
import { hostRoutes, type HostRoutesOptions } from "./hosts.ts";
import { imageSizeRoutes } from "./image-size.ts";
import { recoveryPointRoutes } from "./recovery-points.ts";
import { restoreLogRoutes } from "./restore-log.ts";
import { uniqueClientRoutes } from "./unique-clients.ts";
import { imageBrowseRoutes, type ImageBrowseOptions } from "./image-browse.ts";
import { imageContentRoutes } from "./image-contents.ts";
import { imageRoutes, type ImageRoutesOptions } from "./images.ts";
import { jobActionRoutes } from "./job-actions.ts";
import { jobRoutes, type JobRoutesOptions } from "./jobs.ts";
import { licensingRoutes } from "./licensing.ts";
import { loginRoutes, logoutRoutes, type LoginOptions } from "./login.ts";
import { manualBackupRoutes } from "./manual-backup.ts";
import { answerType, negotiateAnswer, newestVersion, type AnswerKind } from "./media-type.ts";
import { answerError, toPrimaryError } from "./netbackup-error.ts";
import { pingRoutes } from "./ping.ts";
import { observedOperations, publishedOperations } from "./published-operations.ts";
import { policyPartRoutes } from "./policy-parts.ts";
import { policyRoutes, type PolicyRoutesOptions } from "./policies.ts";
import { recoveryRoutes, type RecoveryRoutesOptions } from "./recovery.ts";
import { limitBody } from "./request-body.ts";
import { sessionRoutes } from "./sessions.ts";
import { diskPoolRoutes } from "./disk-pools.ts";
import type { StorageResourceContext } from "./storage-resources.ts";
import { storageServerRoutes } from "./storage-servers.ts";
import { storageUnitRoutes } from "./storage-units.ts";
import { trustRoutes, type TrustOptions } from "./trust.ts";

/** Everything that the API shows. */
export type ApiOptions = LoginOptions &
  PolicyRoutesOptions &
  JobRoutesOptions &
  ImageRoutesOptions &
  ImageActionOptions &
  StorageResourceContext &
  ImageBrowseOptions &
  RecoveryRoutesOptions &
  Omit<HostRoutesOptions, "identity"> &
  TrustOptions & {
    contents: ImageContents;
    dataDir: string;
    clients: ClientFile;
    database: Database;
    sessions: Sessions;
    audit: AuditTrail;
    log: Logger;
    /** Adds routes below `/netbackup`, behind the authentication; what answers JSON gets NetBackup's media type. */
    mount?: (routes: ApiRoutes) => void;
  };

/** Makes the REST API: a Hono app whose routes lie below `/netbackup`. */
export function createApi(options: ApiOptions): ApiRoutes {
  const { log, sessions } = options;
  const app = new Hono<ApiEnvironment>({ getPath: (request) => normalisePath(getPath(request)) });
  app.onError((thrown, context) => {
    const error = toPrimaryError(thrown);
    if (error.code === "internal") log.error({ err: thrown, path: context.req.path }, "request.failed");
    return answerError(context, error);
  });
  app.notFound((context) =>
    answerError(context, new PrimaryError("not_found", `there is nothing at ${context.req.path}`)),
  );
  const api = app.basePath("/netbackup");
  api.use("*", negotiate);
  const limitJson = limitBody(limits.maxJsonBodyBytes);
  const limitRecovery = limitBody(limits.maxRecoveryBodyBytes);
  api.use("/login", limitJson);
  api
    .route("/", loginRoutes(options))
    .route("/", pingRoutes(options.clock, sessions))
    .route("/", trustRoutes(options));
  for (const [path, allowed] of methodsByPath(app)) app.all(path, refuseMethod(allowed));
  api.use("*", authenticate(sessions, options.apiKeys));
  api.use("*", recordChanges(options.audit));
  api.use("*", (context, next) =>
    (/^\/netbackup\/(recovery|catalog)\//.test(context.req.path) ? limitRecovery : limitJson)(context, next),
  );
  api
    .route("/", logoutRoutes(sessions))
    .route("/", sessionRoutes(options))
    .route("/", apiKeyRoutes(options))
    .route("/", auditRoutes(options))
    .route("/", policyRoutes(options))
    .route("/", policyPartRoutes(options))
    .route("/", uniqueClientRoutes(options))
    .route("/", manualBackupRoutes(options))
    .route("/", jobRoutes(options))
    .route("/", jobActionRoutes(options))
    .route("/", bulkJobRoutes(options))
    .route("/", imageActionRoutes(options))
    .route("/", imageContentRoutes(options))
    .route("/", imageBrowseRoutes(options))
    .route("/", imageSizeRoutes(options))
    .route("/", imageRoutes(options))
    .route("/", storageUnitRoutes(options))
    .route("/", diskPoolRoutes(options))
    .route("/", storageServerRoutes(options))
    .route("/", hostRoutes({ ...options, identity: sessions.publicKeyPem }))
    .route("/", alertRoutes(options))
    .route("/", licensingRoutes(options))
    .route("/", recoveryRoutes(options))
    .route("/", recoveryPointRoutes(options))
    .route("/", restoreLogRoutes(options));
  options.mount?.(api);
  const ours = methodsByPath(app);
  for (const [method, path, whyNot] of [...publishedOperations, ...observedOperations]) {
    if (whyNot === undefined) continue;
    api.on(method, path, () => {
      throw new PrimaryError("not_implemented", `${method} ${path} is not supported: ${whyNot}`);
    });
  }
  for (const [path, allowed] of ours) app.all(path, refuseMethod(allowed));
  api.route("/", elsewhereRoutes());
  return app;
}

/** The methods that each path has until now, for 405. */
function methodsByPath(app: ApiRoutes): Map<string, string> {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (method !== "ALL") methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  return new Map([...methods].map(([path, names]) => [path, [...names].join(", ")]));
}

/** Clients write `//` and end paths with a slash. */
function normalisePath(path: string): string {
  const single = path.replaceAll(/\/{2,}/g, "/");
  return single.length > 1 && single.endsWith("/") ? single.slice(0, -1) : single;
}

const kinds: Readonly<Record<string, AnswerKind>> = {
  "/netbackup/ping": "plain",
  "/netbackup/tokenkey": "html",
};

/** Chooses the version of the answer, and gives JSON answers NetBackup's media type. */
const negotiate: MiddlewareHandler<ApiEnvironment> = async (context, next) => {
  const { req } = context;
  const kind = kinds[req.path] ?? "json";
  const version = negotiateAnswer(req.header("accept"), req.header("content-type"), kind);
  context.set("version", version ?? newestVersion);
  if (version === undefined) {
    const message = `the Accept "${req.header("accept")}" is not supported: use ${answerType(kind, newestVersion)} or an older version`;
    context.res = answerError(context, new PrimaryError("not_acceptable", message));
  } else {
    await next();
  }
  if (context.res.headers.get("content-type")?.startsWith("application/json") === true) {
    context.res.headers.set("content-type", answerType("json", context.get("version")));
  }
  context.res.headers.set("cache-control", "no-store");
};

function refuseMethod(allowed: string): MiddlewareHandler<ApiEnvironment> {
  return (context) => {
    context.header("Allow", allowed);
    throw new PrimaryError(
      "method_not_allowed",
      `${context.req.method} is not supported here: use ${allowed}`,
    );
  };
}
