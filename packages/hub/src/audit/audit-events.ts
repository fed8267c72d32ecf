import { z } from "zod";

/** The longest path of a command that is written into the audit; of a longer one its beginning. */
export const maxAuditedPathCharacters = 300;

/** The data of the audit's events, by type. */
export const auditEvents = {
  "sallyport.audit": z.object({
    /** Who; null for what the hub does by itself. */
    actor: z.object({ kind: z.enum(["api-key", "user"]), id: z.string(), name: z.string() }).nullable(),
    /** The network address, or "hub". */
    from: z.string(),
    /** What: an operation of the API such as `POST /api/v1/primaries`, or `command GET /netbackup/ping`; without queries and secrets. */
    action: z.string(),
    /** On what: `/primaries/<id>`, `/users/<id>`, … or "/hub". */
    target: z.string(),
    /** `done`, or the code of the error that it ended with; `started` for a command that is about to be sent. */
    result: z.string(),
    /** HTTP status, where there is one. */
    status: z.int().nullable(),
    /** Ties together the entries, log lines and answer of one request. */
    requestId: z.string(),
  }),
} as const;
