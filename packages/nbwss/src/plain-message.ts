import { commandMethods, type Message } from "./message.ts";

const guid = /^[\da-fA-F]{8}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{12}$/;
const methods: ReadonlySet<unknown> = new Set(commandMethods);

/**
 * Whether a parsed value is a good COMMAND or NOTIFICATION beyond doubt: what the schemas say, for a tenth of their cost, since these are
 * all that a busy connection carries. Whatever is not recognised here is left to the schemas, which also say what is wrong.
 */
export function isPlainMessage(value: unknown): value is Message {
  if (!isObject(value)) return false;
  const { version, id, timeStamp, type, subType, payload } = value;
  if (version !== "1.0" || typeof id !== "string" || !guid.test(id)) return false;
  if (!Number.isSafeInteger(timeStamp) || (timeStamp as number) < 0) return false;
  if (type === "COMMAND") {
    if (subType === "RESPONSE") return isObject(payload);
    return subType === "REQUEST" && isCommand(payload);
  }
  if (type !== "NOTIFICATION") return false;
  if (subType === "RESPONSE") return true;
  return subType === "REQUEST" && Array.isArray(payload) && payload.every(isEntry);
}

function isCommand(payload: unknown): boolean {
  if (!isObject(payload)) return false;
  const { uri, method, headers, parameters } = payload;
  if (typeof uri !== "string" || !methods.has(method)) return false;
  if (parameters !== undefined && typeof parameters !== "string") return false;
  return isObject(headers) && Object.values(headers).every((header) => typeof header === "string");
}

function isEntry(entry: unknown): boolean {
  if (!isObject(entry)) return false;
  const { notificationType, object, data } = entry;
  return (
    typeof notificationType === "string" &&
    typeof object === "string" &&
    Array.isArray(data) &&
    data.every(isObject)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
