import { z } from "zod";
import { DecodeError } from "./errors.ts";
import { defaultLimits, type NbwssLimits } from "./limits.ts";
import { isPlainMessage } from "./plain-message.ts";
import { extensionHead, messageSchemas, type Message } from "./message.ts";

const head = z.looseObject({ version: z.string(), type: z.string(), subType: z.string() });

/**
 * Reads one WebSocket text message (NBWSS, transport and envelope).
 * @throws DecodeError that says what is wrong and where; its `closeCode` is what the connection ends with. `unknown_extension`: a good
 *   message of a later version of Sallyport's extension, to be ignored where the extension is spoken
 */
export function decodeMessage(
  text: string,
  limits: Pick<NbwssLimits, "maxMessageBytes" | "maxDepth"> = defaultLimits,
): Message {
  // A string has at most as many UTF-16 units as UTF-8 bytes: the cheap check goes first.
  if (text.length > limits.maxMessageBytes || Buffer.byteLength(text) > limits.maxMessageBytes) {
    throw new DecodeError("too_large", "", `a message may have at most ${limits.maxMessageBytes} bytes`);
  }
  const value = parseJson(text);
  if (isDeeperThan(value, limits.maxDepth)) {
    throw new DecodeError("too_deep", "", `arrays and objects may nest at most ${limits.maxDepth} deep`);
  }
  if (isPlainMessage(value)) return withoutUnknown(value);
  const { version, type, subType } = check(head, value);
  if (version !== "1.0") {
    throw new DecodeError(
      "unsupported_version",
      "version",
      `is ${quote(version)}, only "1.0" is spoken here`,
    );
  }
  const schema = messageSchemas[`${type} ${subType}` as keyof typeof messageSchemas];
  if (schema === undefined) {
    const isExtension = extensionHead.safeParse(value).success;
    const code = isExtension ? "unknown_extension" : "invalid_message";
    throw new DecodeError(code, "type", `there is no message ${quote(type)} ${quote(subType)}`);
  }
  return check<Message>(schema, value);
}

/**
 * Writes one message as the text of one WebSocket message.
 * @throws DecodeError `too_large` when the peer would have to refuse it
 */
export function encodeMessage(
  message: Message,
  limits: Pick<NbwssLimits, "maxMessageBytes"> = defaultLimits,
): string {
  const text = JSON.stringify(message);
  // A UTF-16 unit takes at most three bytes: only near the bound is counting worth its time.
  if (text.length * 3 > limits.maxMessageBytes && Buffer.byteLength(text) > limits.maxMessageBytes) {
    throw new DecodeError("too_large", "", `a message may have at most ${limits.maxMessageBytes} bytes`);
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the text, which may hold a token.
    const at = /position \d+/.exec((error as Error).message)?.[0];
    throw new DecodeError("not_json", "", `is not JSON${at === undefined ? "" : ` (at ${at})`}`);
  }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) return value.some((member) => isDeeperThan(member, depth - 1));
  const object = value as Record<string, unknown>;
  for (const name in object) if (isDeeperThan(object[name], depth - 1)) return true;
  return false;
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new DecodeError("invalid_message", issue?.path.join(".") ?? "", issue?.message ?? "is not valid");
}

/** Members of the envelope that nobody knows are left out, as the schemas do (NBWSS, transport). */
function withoutUnknown(message: Message): Message {
  const { version, id, type, subType, timeStamp, payload } = message;
  const known: object = { version, id, type, subType, timeStamp, ...positionOf(message) };
  return (payload === undefined ? known : { ...known, payload }) as Message;
}

function positionOf(message: Message): { position?: number } {
  if (message.type !== "NOTIFICATION" || message.subType !== "REQUEST") return {};
  const { position } = message;
  return Number.isSafeInteger(position) && Number(position) > 0 ? { position: Number(position) } : {};
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
