import { z } from "zod";
import type { PrimaryClient } from "./primary-client.ts";

const base = "/config/servers/wssendpoints";
const own = "/sallyport";

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
const failBack = z.object({ mode: z.string(), minutes: z.number().optional() });
const groups = z.object({
  data: z.array(
    z.object({
      groupId: z.string(),
      connectedTo: z.string().optional(),
      executing: z.number(),
      silentMs: z.number().optional(),
      waiting: z.number(),
      lost: z.number(),
      failBack,
    }),
  ),
});
const listedEndpoints = z.array(
  z.looseObject({
    token: z.string(),
    certificate: z.string(),
    failure: z.string().optional(),
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
    /** Saves an endpoint with the certificate that was accepted; deactivated unless `state` says otherwise. */
    async save(endpoint: ShownEndpoint, state?: string): Promise<void> {
      const { token, hostName, groupId, url, priority, certificate } = endpoint;
      const body = {
        token,
        hostName,
        groupId,
        url,
        priority,
        certificate,
        ...(state === undefined ? {} : { state }),
      };
      await primary.call("POST", `${base}/save`, body);
    },
    async update(hostName: string, state: "ACTIVATED" | "DEACTIVATED"): Promise<void> {
      await primary.call("POST", `${base}/update`, { hostName, state });
    },
    async remove(hostName: string): Promise<void> {
      await primary.call("DELETE", `${base}/${encodeURIComponent(hostName)}`);
    },
    /** The server groups (Sallyport's own). */
    groups: async () => groups.parse(await primary.call("GET", `${own}/groups`)).data,
    async setFailBack(groupId: string, rule: z.infer<typeof failBack>): Promise<void> {
      await primary.call("PUT", `${own}/groups/${encodeURIComponent(groupId)}`, { failBack: rule });
    },
    /** Tries at once where there is no connection; with `force` also leaves those that there are. */
    async reconnect(force: boolean, groupId?: string): Promise<void> {
      await primary.call("POST", `${own}/reconnect`, {
        force,
        ...(groupId === undefined ? {} : { groupId }),
      });
    },
    list: async () => listedEndpoints.parse(await primary.call("GET", base)),
  };
}
