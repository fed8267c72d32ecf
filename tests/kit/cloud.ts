import { once } from "node:events";
import {
  attachEndpoint,
  type EndpointConnection,
  type EndpointOptions,
  type NotificationRequest,
} from "@sallyport/nbwss";
import { startTlsServer } from "./tls-server.ts";

/** A cloud application with one endpoint that knows one token and collects what comes. */
export async function startCloud(
  options: Partial<EndpointOptions<string>> & { token?: string; dir?: string; port?: number } = {},
) {
  const { token = "good-token", dir, port, ...endpointOptions } = options;
  const tls = await startTlsServer(undefined, {
    ...(dir === undefined ? {} : { dir }),
    ...(port === undefined ? {} : { port }),
  });
  const connections: EndpointConnection<string>[] = [];
  const notifications: NotificationRequest[] = [];
  const arrivals = new EventTarget();
  const note = () => arrivals.dispatchEvent(new Event("arrival"));
  const endpoint = attachEndpoint<string>(tls.server, {
    authenticate: async (given) => (given === token ? "branch" : undefined),
    connected(connection) {
      connections.push(connection);
      note();
    },
    async notified(_connection, notification) {
      notifications.push(notification);
      note();
    },
    rejected: note,
    ...endpointOptions,
  });
  const details = {
    token,
    priority: 1,
    groupId: "cloud",
    hostName: `hub${tls.port}.cloud.example`,
    url: `wss://127.0.0.1:${tls.port}/nbwss`,
  };
  return {
    ...tls,
    endpoint,
    connections,
    notifications,
    details,
    /** All items of all notifications, in the order in which they came. */
    items: () => notifications.flatMap(({ payload }) => payload.flatMap(({ data }) => data)),
    /** Waits until `condition` holds; it is looked at whenever something has come. */
    async until(condition: () => boolean): Promise<void> {
      while (!condition()) await once(arrivals, "arrival");
    },
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      await tls.stop();
    },
  };
}
