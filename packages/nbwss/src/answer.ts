import { NbwssError } from "./errors.ts";
import type { CommandResponse } from "./message.ts";

/** The REST API's answer to a command. */
export interface CommandAnswer {
  /** HTTP status. */
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/**
 * The member names that a primary uses in its COMMAND RESPONSE, where they are known. Without them the first of
 * the likely names is taken.
 */
export interface Dialect {
  statusMember?: string | undefined;
  bodyMember?: string | undefined;
}

/** What a primary wants as the payload of NOTIFICATION RESPONSE: `[]`, `{}`, or no such member. */
export type AcknowledgementPayload = "array" | "object" | "absent";

/** How one primary speaks, as its endpoint has to know it. */
export interface PeerDialect extends Dialect {
  /** `array` unless said. */
  acknowledgement?: AcknowledgementPayload | undefined;
}

/** The payload that a dialect's acknowledgements have. */
export function acknowledgementPayload({ acknowledgement }: PeerDialect): unknown {
  if (acknowledgement === "absent") return undefined;
  return acknowledgement === "object" ? {} : [];
}

const statusMembers = ["status", "statusCode", "responseCode", "httpStatus"];
const bodyMembers = ["body", "response", "responseBody", "content", "data"];

/**
 * Finds status, headers and body in a COMMAND RESPONSE, whatever the primary calls them (NBWSS, COMMAND).
 * @throws NbwssError `not_a_response` that says which member is missing
 */
export function readCommandAnswer(payload: CommandResponse["payload"], dialect: Dialect = {}): CommandAnswer {
  const statusNames = dialect.statusMember === undefined ? statusMembers : [dialect.statusMember];
  const bodyNames = dialect.bodyMember === undefined ? bodyMembers : [dialect.bodyMember];
  const statusName = statusNames.find((name) => Object.hasOwn(payload, name));
  const status = statusName === undefined ? undefined : toStatus(payload[statusName]);
  if (status === undefined) {
    throw new NbwssError(
      "not_a_response",
      `COMMAND RESPONSE has no HTTP status in ${statusNames.map((name) => `payload.${name}`).join(", ")}; set the primary's dialect if it uses another name`,
    );
  }
  const bodyName = bodyNames.find((name) => Object.hasOwn(payload, name));
  return { status, headers: toHeaders(payload["headers"]), body: toBody(bodyName, payload) };
}

/** Writes an answer as Sallyport's own primaries send it. */
export function writeCommandAnswer(answer: CommandAnswer): CommandResponse["payload"] {
  return { status: answer.status, headers: answer.headers, body: answer.body };
}

/**
 * The answer for a call that could not be made, in NetBackup's error shape: 502, 503, 504 or 403, never silence
 * (NBWSS, COMMAND).
 */
export function failureAnswer(status: number, errorCode: number, errorMessage: string): CommandAnswer {
  return {
    status,
    headers: { "content-type": "application/vnd.netbackup+json;version=1.0" },
    body: JSON.stringify({ errorCode, errorMessage, errorDetails: [] }),
  };
}

function toStatus(value: unknown): number | undefined {
  const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === "number" && Number.isInteger(status) && status >= 100 && status <= 599
    ? status
    : undefined;
}

function toHeaders(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  const headers: Record<string, string> = {};
  for (const [name, member] of Object.entries(value)) {
    if (Array.isArray(member)) headers[name.toLowerCase()] = member.join(", ");
    else if (typeof member === "string" || typeof member === "number") {
      headers[name.toLowerCase()] = String(member);
    }
  }
  return headers;
}

function toBody(name: string | undefined, payload: CommandResponse["payload"]): string {
  const value = name === undefined ? undefined : payload[name];
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
