import type { ApiKey, AuditItem, CreatedApiKey, User } from "@sallyport/hub";
import { request, requestJson } from "./client.ts";
import { listQuery, type ListParameters } from "./list.ts";

/** All API keys, without the keys themselves. */
export const apiKeysQuery = listQuery<ApiKey>("/api-keys");
/** All users. */
export const usersQuery = listQuery<User>("/users");
/** The audit, newest first. */
export const auditQuery = (filters: ListParameters) => listQuery<AuditItem>("/audit", filters);

/** What is needed for a new API key. */
export interface NewApiKey {
  name: string;
  role: ApiKey["role"];
  scope: ApiKey["scope"];
  expiresAt: string | null;
}

/** Makes an API key; the answer is the only time that it can be read. */
export function createApiKey(key: NewApiKey): Promise<CreatedApiKey> {
  return requestJson<CreatedApiKey>("/api-keys", { method: "POST", body: key });
}

/** Revokes an API key; it stops working at once. */
export async function revokeApiKey(id: string): Promise<void> {
  await request(`/api-keys/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** What is needed for a new user. */
export interface NewUser {
  login: string;
  role: User["role"];
  scope: User["scope"];
  password: string;
}

/** Adds a user. */
export async function createUser(user: NewUser): Promise<void> {
  await request("/users", { method: "POST", body: user });
}

/** Changes a user. */
export async function updateUser(
  id: string,
  change: Partial<Pick<User, "name" | "role" | "scope" | "disabled">>,
): Promise<void> {
  await request(`/users/${encodeURIComponent(id)}`, { method: "PATCH", body: change });
}

/** Sets a password; `current` is needed for one's own. */
export async function setPassword(id: string, password: string, current?: string): Promise<void> {
  const body = { password, ...(current === undefined ? {} : { current }) };
  await request(`/users/${encodeURIComponent(id)}/password`, { method: "POST", body });
}

/** Removes a user. */
export async function removeUser(id: string): Promise<void> {
  await request(`/users/${encodeURIComponent(id)}`, { method: "DELETE" });
}
