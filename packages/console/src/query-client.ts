import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api/client.ts";
import { sessionQuery } from "./api/session.ts";

/**
 * Holds what was read of the hub.
 * @param onSessionEnd called once when the hub no longer knows the session that it gave
 */
export function createQueryClient(onSessionEnd: () => void): QueryClient {
  const onError = (error: Error): void => {
    const signedIn = queryClient.getQueryData(sessionQuery.queryKey) !== null;
    if (!signedIn || !(error instanceof ApiError) || error.status !== 401) return;
    queryClient.setQueryData(sessionQuery.queryKey, null);
    onSessionEnd();
  };
  const queryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      // Lists are read again by themselves and failures are told at once, so nothing is retried in silence.
      // "always": a hub on the same network can be reached also while the browser believes to be offline.
      queries: { retry: false, networkMode: "always" },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return queryClient;
}
