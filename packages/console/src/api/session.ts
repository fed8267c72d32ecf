import type { SessionInfo, SessionMethods } from "@sallyport/hub";
import { queryOptions } from "@tanstack/react-query";
import { ApiError, request, requestJson } from "./client.ts";

/** Who is signed in; null when nobody is. Asked once, then kept until somebody signs in or out. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<SessionInfo | null> => {
    try {
      return await requestJson<SessionInfo>("/session", { signal });
    } catch (error) {
      // 401 is the hub's way to say that nobody is signed in, which is an answer and no failure.
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Infinity,
  gcTime: Infinity,
});

/** Which ways to sign in the hub has. */
export const sessionMethodsQuery = queryOptions({
  queryKey: ["session-methods"],
  queryFn: ({ signal }) => requestJson<SessionMethods>("/session/methods", { signal }),
  staleTime: Infinity,
});

/** What somebody signs in with. */
export type Proof = { apiKey: string } | { login: string; password: string };

/**
 * Exchanges an API key, or login and password, for the hub's HttpOnly session cookie. Neither is kept.
 * @throws {ApiError} status 401 for what the hub does not know, 429 after too many attempts
 */
export async function signIn(proof: Proof): Promise<void> {
  await request("/session", { method: "POST", body: proof });
}

/** Ends the session; the hub takes its cookie back. */
export async function signOut(): Promise<void> {
  await request("/session", { method: "DELETE" });
}
