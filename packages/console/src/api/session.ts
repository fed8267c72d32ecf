import type { SessionInfo } from "@sallyport/hub";
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

/**
 * Exchanges an API key for the hub's HttpOnly session cookie. The key is not kept.
 * @throws {ApiError} status 401 for an unknown key, 429 after too many attempts
 */
export async function signIn(apiKey: string): Promise<void> {
  await request("/session", { method: "POST", body: { apiKey } });
}

/** Ends the session; the hub takes its cookie back. */
export async function signOut(): Promise<void> {
  await request("/session", { method: "DELETE" });
}
