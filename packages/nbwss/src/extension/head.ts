import { z } from "zod";
import { DecodeError } from "../errors.ts";
import { commandMethods, type Command } from "../message.ts";

const headers = z.record(z.string(), z.string());
/** Bytes of the body that follows, when known: more or fewer are an error. */
const length = z.int().nonnegative().optional();

/** What begins a command: a COMMAND REQUEST without its body (docs/protocol.md, frames). */
export const requestHead = z.object({
  uri: z.string(),
  method: z.enum(commandMethods),
  headers,
  length,
  /** How long the answer's head is waited for, ms from now. */
  timeoutMs: z.int().positive().optional(),
});

/** What begins an answer. */
export const responseHead = z.object({ status: z.int().min(100).max(599), headers, length });

export type RequestHead = z.infer<typeof requestHead>;
export type ResponseHead = z.infer<typeof responseHead>;

const methods: ReadonlySet<unknown> = new Set(commandMethods);

/** @throws DecodeError `bad_frame` that says which member is wrong */
export function readRequestHead(bytes: Buffer): RequestHead {
  const value = parse(bytes);
  return isPlainRequest(value) ? value : check(requestHead, value);
}

/** @throws DecodeError `bad_frame` that says which member is wrong */
export function readResponseHead(bytes: Buffer): ResponseHead {
  const value = parse(bytes);
  return isPlainResponse(value) ? value : check(responseHead, value);
}

/** Good beyond doubt, for a tenth of what the schema costs; what is not recognised is left to it. */
function isPlainRequest(value: Record<string, unknown>): value is RequestHead {
  const { uri, method, timeoutMs } = value;
  if (typeof uri !== "string" || !methods.has(method)) return false;
  if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && (timeoutMs as number) > 0))
    return false;
  return hasPlainRest(value);
}

function isPlainResponse(value: Record<string, unknown>): value is ResponseHead {
  return isStatus(value["status"]) && hasPlainRest(value);
}

/** Whether a value can be the status of an answer. */
export function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599;
}

function hasPlainRest({ headers: given, length: bytes }: Record<string, unknown>): boolean {
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && (bytes as number) >= 0)) return false;
  if (typeof given !== "object" || given === null || Array.isArray(given)) return false;
  const named = given as Record<string, unknown>;
  for (const name in named) if (typeof named[name] !== "string") return false;
  return true;
}

/** Headers of a command, as JSON of a head has them. */
export function toRequestHead(
  command: Omit<Command, "parameters">,
  more: Pick<RequestHead, "length" | "timeoutMs">,
): string {
  const { uri, method, headers: given } = command;
  return JSON.stringify({ uri, method, headers: given, ...more });
}

function parse(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    // The parser's own message quotes the text, which may hold a token.
    throw new DecodeError("bad_frame", "head", "is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new DecodeError("bad_frame", "head", "is not an object");
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new DecodeError("bad_frame", `head.${issue?.path.join(".") ?? ""}`, issue?.message ?? "is not valid");
}
