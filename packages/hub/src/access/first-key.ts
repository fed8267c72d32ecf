import { randomBytes } from "node:crypto";
import { HubError } from "../errors.ts";
import type { Recorder } from "../log/recorder.ts";
import type { ApiKeysView } from "../views/api-keys.ts";
import type { UsersView } from "../views/users.ts";
import { Administrators } from "./administrators.ts";
import { hashSecret } from "./secret.ts";

const firstName = "first administrator";
const minAdminKeyLength = 16;

/** What `ensureFirstKey` needs. */
export interface FirstKeyOptions {
  apiKeys: Pick<ApiKeysView, "list" | "findByHash">;
  users: Pick<UsersView, "list">;
  recorder: Recorder;
  newId: () => string;
}

/**
 * Sees to it that the first administrator has an API key: the one given, which replaces the one before, or else one that is made
 * when nobody administers the hub yet.
 * @returns the key when it was made here: the only time that it can be read
 * @throws HubError `bad_option` when the given key is too short or has characters that a header can't carry
 */
export async function ensureFirstKey(
  options: FirstKeyOptions,
  given: string | undefined,
): Promise<string | undefined> {
  const { apiKeys, recorder, newId } = options;
  if (given !== undefined && !/^[\x21-\x7e]{16,1024}$/.test(given)) {
    const message = `the administrator's key needs at least ${minAdminKeyLength} characters, printable ASCII without spaces`;
    throw new HubError("bad_option", message);
  }
  const before = apiKeys.list().filter(({ name }) => name === firstName);
  if (given === undefined && (before.length > 0 || new Administrators(options).exist())) return undefined;
  const key = given ?? randomBytes(32).toString("base64url");
  const keyHash = hashSecret(key);
  if (apiKeys.findByHash(keyHash) !== undefined) return undefined;
  for (const { id } of before) await recorder.record("sallyport.api-key.revoked", `/api-keys/${id}`, { id });
  const id = newId();
  const data = {
    id,
    name: firstName,
    role: "administrator",
    scope: { kind: "all" },
    keyHash,
    expiresAt: null,
  } as const;
  await recorder.record("sallyport.api-key.created", `/api-keys/${id}`, data);
  return given === undefined ? key : undefined;
}
