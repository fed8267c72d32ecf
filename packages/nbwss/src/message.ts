import { z } from "zod";

/** What all messages share (NBWSS, envelope). Unknown members are ignored. */
const envelope = {
  version: z.literal("1.0"),
  /** A UUID made by the requester; compared without regard to case. */
  id: z.guid(),
  /** Seconds since the epoch. */
  timeStamp: z.int().nonnegative(),
};

const headers = z.record(z.string(), z.string());

/** The methods that a COMMAND may carry (NBWSS, COMMAND). */
export const commandMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Primary → endpoint: here I am, with the token of the endpoint details (NBWSS, CONNECT). */
export const connectRequest = z.object({
  ...envelope,
  type: z.literal("CONNECT"),
  subType: z.literal("REQUEST"),
  payload: z.object({ token: z.string().min(1).max(4096) }),
});

/** Endpoint → primary: the token is good, or not (NBWSS, CONNECT). */
export const connectResponse = z.object({
  ...envelope,
  type: z.literal("CONNECT"),
  subType: z.literal("RESPONSE"),
  payload: z.object({ valid: z.boolean() }),
});

/** Endpoint → primary: one call of the REST API (NBWSS, COMMAND). */
export const commandRequest = z.object({
  ...envelope,
  type: z.literal("COMMAND"),
  subType: z.literal("REQUEST"),
  payload: z.object({
    /**
     * Path and query, starting with `/netbackup/`. Another one is no reason to end the connection: the service answers it 403, as
     * everything that it does not call.
     */
    uri: z.string(),
    method: z.enum(commandMethods),
    headers,
    /** The request's body as text; absent when there is none. */
    parameters: z.string().optional(),
  }),
});

/**
 * Primary → endpoint: the REST call's answer. The public pages do not name the members for status and body, so
 * the payload stays open here and `readCommandAnswer` finds them (NBWSS, COMMAND).
 */
export const commandResponse = z.object({
  ...envelope,
  type: z.literal("COMMAND"),
  subType: z.literal("RESPONSE"),
  payload: z.looseObject({}),
});

/** One entry of a notification; its items are kept as they came, whatever members they have. */
export const notificationEntry = z.looseObject({
  notificationType: z.string(),
  object: z.string(),
  data: z.array(z.looseObject({})),
});

/** A place in a journal: the first is 1, each next one is 1 more. */
const position = z.int().positive();

/** Primary → endpoint: jobs and images that changed (NBWSS, NOTIFICATION). */
export const notificationRequest = z.object({
  ...envelope,
  type: z.literal("NOTIFICATION"),
  subType: z.literal("REQUEST"),
  /** Its place in the journal, after RESUME (Sallyport's extension). To NBWSS 1.0 a member that is not known, whatever it holds. */
  position: position.optional().catch(undefined),
  payload: z.array(notificationEntry),
});

/** Endpoint → primary: stored. The payload is not documented; any is accepted, absent too (NBWSS, NOTIFICATION). */
export const notificationResponse = z.object({
  ...envelope,
  type: z.literal("NOTIFICATION"),
  subType: z.literal("RESPONSE"),
  payload: z.unknown().optional(),
});

/** What every message of Sallyport's extension begins with, also those of later versions, which are ignored (Sallyport's extension). */
export const extensionHead = z.object({
  ...envelope,
  type: z.literal("SALLYPORT"),
  subType: z.string().regex(/^[A-Z][A-Z_]{0,31}$/),
});

/** The longest delay and window of a MOVE: an hour. */
const maxMoveMs = 3_600_000;

/**
 * Endpoint → primary, under `sallyport.v1` only: leave this endpoint in `delayMs` and dial again, so that those who have to go do not
 * come back together (Sallyport's extension, MOVE). It is not answered.
 */
export const moveMessage = z.object({
  ...envelope,
  type: z.literal("SALLYPORT"),
  subType: z.literal("MOVE"),
  payload: z.object({
    /** How long the primary goes on as before; then it closes with 1012 and dials. */
    delayMs: z.int().min(0).max(maxMoveMs),
    /** When no endpoint can be reached then, tries are spread at least over this time. */
    windowMs: z.int().min(0).max(maxMoveMs),
    reason: z.string().max(123),
  }),
});

/** How far the notifications of a journal are stored at an endpoint. */
const standing = z.object({
  /** Whose positions these are: what a primary has told one server group since it began to number. */
  journal: z.guid(),
  /** Everything up to here is stored; 0 when nothing is. */
  position: z.int().nonnegative(),
  /** The id of the message with that position; null when none has come yet in this journal. */
  id: z.guid().nullable(),
});

/**
 * Endpoint → primary, under `sallyport.v1` only, after CONNECT RESPONSE: it knows the extension and wants to hear how the primary is. Without it the primary says
 * nothing that NBWSS 1.0 does not have: some WebSocket servers select whatever is offered.
 */
export const helloMessage = z.object({
  ...envelope,
  type: z.literal("SALLYPORT"),
  subType: z.literal("HELLO"),
  payload: z.object({
    /** The pause between two HEALTH messages. */
    healthIntervalMs: z.int().min(100).max(maxMoveMs),
    /** How far what this primary has told this server group is stored here; null when nothing is known. Without it notifications are not to be numbered. */
    resume: standing.nullable().optional(),
  }),
});

/** Primary → endpoint, after HELLO, at once and then at its pace: how the primary's NBWSS service is. It is not answered. */
export const healthMessage = z.object({
  ...envelope,
  type: z.literal("SALLYPORT"),
  subType: z.literal("HEALTH"),
  payload: z.object({
    /** Of the software. */
    version: z.string().max(64),
    /** Notifications that this server group has not acknowledged. */
    outboxDepth: z.int().nonnegative(),
    /** How long the oldest of them waits, ms. */
    outboxAgeMs: z.int().nonnegative(),
    /** The longest that the service's event loop stood since the message before, ms. */
    loopLagMs: z.int().nonnegative(),
    /** Commands that run. */
    executing: z.int().nonnegative(),
  }),
});

/**
 * Primary → endpoint, once, after a HELLO with `resume`: where it goes on. From here on its notifications have positions, and go out in
 * their order. It is not answered.
 */
export const resumeMessage = z.object({
  ...envelope,
  type: z.literal("SALLYPORT"),
  subType: z.literal("RESUME"),
  payload: z.object({
    journal: z.guid(),
    /** The next position is the one after this. */
    position: z.int().nonnegative(),
    /**
     * `resumed`: where the endpoint said. `began`: the endpoint knew nothing, or another journal. `refused`: the endpoint said that it has what
     * was never sent; a new journal begins.
     */
    outcome: z.enum(["resumed", "began", "refused"]),
  }),
});

/**
 * Primary → endpoint, after RESUME, in the place of notifications that the primary no longer has. Answered with NOTIFICATION RESPONSE when
 * that is safely stored.
 */
export const gapMessage = z.object({
  ...envelope,
  type: z.literal("SALLYPORT"),
  subType: z.literal("GAP"),
  payload: z
    .object({
      /** The first and the last position that are missing. */
      from: position,
      to: position,
      /** How many notifications that is. */
      count: z.int().nonnegative(),
      /** When the oldest and the newest of them were made, epoch ms; null when that is not known. */
      sinceMs: z.int().nonnegative().nullable(),
      untilMs: z.int().nonnegative().nullable(),
      /** `outbox_full`: dropped at the outbox's bound. `endpoint_went_back`: acknowledged once, and no longer stored at the endpoint. */
      reason: z.string().regex(/^[a-z][a-z_]{0,31}$/),
    })
    .refine(({ from, to }) => from <= to, { path: ["to"], error: "is before from" }),
});

/** The schema of each message, by `<type> <subType>`. */
export const messageSchemas = {
  "CONNECT REQUEST": connectRequest,
  "CONNECT RESPONSE": connectResponse,
  "COMMAND REQUEST": commandRequest,
  "COMMAND RESPONSE": commandResponse,
  "NOTIFICATION REQUEST": notificationRequest,
  "NOTIFICATION RESPONSE": notificationResponse,
  "SALLYPORT MOVE": moveMessage,
  "SALLYPORT HELLO": helloMessage,
  "SALLYPORT HEALTH": healthMessage,
  "SALLYPORT RESUME": resumeMessage,
  "SALLYPORT GAP": gapMessage,
} as const;

export type ConnectRequest = z.infer<typeof connectRequest>;
export type ConnectResponse = z.infer<typeof connectResponse>;
export type CommandRequest = z.infer<typeof commandRequest>;
export type CommandResponse = z.infer<typeof commandResponse>;
export type NotificationRequest = z.infer<typeof notificationRequest>;
export type NotificationResponse = z.infer<typeof notificationResponse>;
export type GapMessage = z.infer<typeof gapMessage>;
export type MoveMessage = z.infer<typeof moveMessage>;
export type NotificationEntry = z.infer<typeof notificationEntry>;
/** Any message of NBWSS 1.0 and of Sallyport's extension. */
export type Message = z.infer<(typeof messageSchemas)[keyof typeof messageSchemas]>;
/** What an endpoint says of itself when it has accepted a primary. */
export type Hello = z.infer<typeof helloMessage>["payload"];
/** How far the notifications of a journal are stored at an endpoint. */
export type Standing = z.infer<typeof standing>;
/** Where a primary goes on. */
export type Resume = z.infer<typeof resumeMessage>["payload"];
/** Notifications that a primary no longer has. */
export type Gap = GapMessage["payload"];
/** How a primary's NBWSS service is. */
export type Health = z.infer<typeof healthMessage>["payload"];
/** When to leave an endpoint, and why. */
export type Move = MoveMessage["payload"];
/** A call of the REST API, without its envelope. */
export type Command = CommandRequest["payload"];
