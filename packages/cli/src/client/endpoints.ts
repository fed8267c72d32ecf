import { z } from "zod";
import type { PrimaryClient } from "./primary-client.ts";

const base = "/config/servers/wssendpoints";

const shownEndpoint = z.looseObject({
  token: z.string(),
  hostName: z.string(),
  groupId: z.string(),
  url: z.string(),
  priority: z.number(),
  certificate: z.string(),
  subject: z.string(),
  sha1Fingerprints: z.string(),
  sha256Fingerprint: z.string(),
});
const listedEndpoints = z.array(
  z.looseObject({
    hostName: z.string(),
    groupId: z.string(),
    url: z.string(),
    priority: z.number(),
    state: z.string().nullish(),
    connectionState: z.string().nullish(),
    closeStatus: z.string().nullish(),
  }),
);

/** An endpoint with what an administrator compares before accepting it. */
export type ShownEndpoint = z.infer<typeof shownEndpoint>;

/** Endpoint administration at a primary (NBWSS, endpoint administration). */
export function endpointsOf(primary: PrimaryClient) {
  return {
    /** Has the primary fetch endpoint details and the endpoint's certificate. A details URL works once. */
    validateUrl: async (url: string) =>
      shownEndpoint.parse(await primary.call("POST", `${base}/validateurl`, { url })),
    /** Has the primary fetch the certificate of an endpoint whose details are at hand. */
    validateHost: async (details: unknown) =>
      shownEndpoint.parse(await primary.call("POST", `${base}/validatehost`, details)),
    /** Saves an endpoint with the certificate that was accepted. */
    async save({ token, hostName, groupId, url, priority, certificate }: ShownEndpoint): Promise<void> {
      await primary.call("POST", `${base}/save`, { token, hostName, groupId, url, priority, certificate });
    },
    async update(hostName: string, state: "ACTIVATED" | "DEACTIVATED"): Promise<void> {
      await primary.call("POST", `${base}/update`, { hostName, state });
    },
    async remove(hostName: string): Promise<void> {
      await primary.call("DELETE", `${base}/${encodeURIComponent(hostName)}`);
    },
    list: async () => listedEndpoints.parse(await primary.call("GET", base)),
  };
}
