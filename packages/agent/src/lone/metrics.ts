import type { GuardFigures } from "../guard/guard-administration.ts";
import type { AgentStatus } from "./diagnosis.ts";
import { guardMetrics } from "./guard-metrics.ts";
import { textOf, type Metric } from "./metric.ts";

/** What a lone agent measures, in Prometheus' text format. Written by hand: a library's registry would cost the agent a tenth of its memory. */
export function metricsText(status: AgentStatus, guard: GuardFigures): string {
  return [...metricsOf(status), ...guardMetrics(guard)].map(textOf).join("");
}

/** The media type of that text. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

function metricsOf({ upSeconds, rssBytes, outbox, groups, endpoints, polling }: AgentStatus): Metric[] {
  const sources = polling?.sources ?? [];
  const ofGroups = (value: (group: (typeof groups)[number]) => number): Metric["samples"] =>
    groups.map((group) => [{ group: group.groupId }, value(group)]);
  const ofSources = (value: (source: (typeof sources)[number]) => number | undefined): Metric["samples"] =>
    sources.map((source) => [{ source: source.name }, value(source)]);
  const ofEndpoints = (value: (timer: (typeof endpoints)[number]["idleTimer"]) => number | undefined) =>
    endpoints.map(({ hostName, idleTimer }): Metric["samples"][number] => {
      const ms = value(idleTimer);
      return [{ endpoint: hostName }, ms === undefined ? undefined : ms / 1000];
    });
  const name = (rest: string) => `sallyport_agent_${rest}`;
  return [
    {
      name: name("up_seconds"),
      type: "gauge",
      help: "Since the agent was started.",
      samples: [[{}, upSeconds]],
    },
    {
      name: name("resident_bytes"),
      type: "gauge",
      help: "Memory of the process.",
      samples: [[{}, rssBytes]],
    },
    {
      name: name("outbox_notifications"),
      type: "gauge",
      help: "Notifications that wait for at least one group.",
      samples: [[{}, outbox.size]],
    },
    {
      name: name("outbox_max_notifications"),
      type: "gauge",
      help: "At this size the oldest make room.",
      samples: [[{}, outbox.max]],
    },
    {
      name: name("group_connected"),
      type: "gauge",
      help: "1 while the group has a connection.",
      samples: ofGroups(({ connectedTo }) => (connectedTo === undefined ? 0 : 1)),
    },
    {
      name: name("group_executing_commands"),
      type: "gauge",
      help: "Commands that run.",
      samples: ofGroups(({ executing }) => executing),
    },
    {
      name: name("group_streaming_commands"),
      type: "gauge",
      help: "Commands whose body or answer streams, each with a connection to the upstream.",
      samples: ofGroups(({ streamed }) => streamed.streaming),
    },
    {
      name: name("group_streaming_refused_total"),
      type: "counter",
      help: "Commands that were answered 503, as all places of the group, or of all, for streaming were taken.",
      samples: ofGroups(({ streamed }) => streamed.refused),
    },
    {
      name: name("group_streaming_stalled_total"),
      type: "counter",
      help: "Answers that were given up, as the endpoint did not read them.",
      samples: ofGroups(({ streamed }) => streamed.stalled),
    },
    {
      name: name("group_waiting_notifications"),
      type: "gauge",
      help: "Notifications that the group has not acknowledged.",
      samples: ofGroups(({ waiting }) => waiting),
    },
    {
      name: name("group_lost_notifications_total"),
      type: "counter",
      help: "Notifications that the group will never get.",
      samples: ofGroups(({ lost }) => lost),
    },
    {
      name: name("group_too_large_notifications_total"),
      type: "counter",
      help: "Those of them that were too large: for the outbox, or for the group's endpoint, which had closed with 1009 again and again.",
      samples: ofGroups(({ tooLarge }) => tooLarge),
    },
    {
      name: name("group_ignored_messages"),
      type: "gauge",
      help: "Messages and frames of a later version of sallyport.v1 that were ignored on the group's connection.",
      samples: ofGroups(({ ignored }) => ignored),
    },
    {
      name: name("endpoint_ping_interval_seconds"),
      type: "gauge",
      help: "Pause between two pings: as it is set, or less where a silence of that length is cut on the way.",
      samples: ofEndpoints(({ pingIntervalMs }) => pingIntervalMs),
    },
    {
      name: name("endpoint_silence_borne_seconds"),
      type: "gauge",
      help: "The longest silence that did no harm when it was looked for.",
      samples: ofEndpoints(({ finding }) => finding?.survivedMs),
    },
    {
      name: name("endpoint_silence_cut_seconds"),
      type: "gauge",
      help: "The shortest silence that was cut on the way when it was looked for; absent where none was.",
      samples: ofEndpoints(({ finding }) => finding?.cutMs),
    },
    {
      name: name("poll_requests_total"),
      type: "counter",
      help: "Requests made to read the upstream.",
      samples: [[{}, polling?.requests]],
    },
    {
      name: name("poll_readings_total"),
      type: "counter",
      help: "Readings that succeeded.",
      samples: ofSources(({ readings }) => readings),
    },
    {
      name: name("poll_failures_total"),
      type: "counter",
      help: "Readings that failed.",
      samples: ofSources(({ failures }) => failures),
    },
    {
      name: name("poll_notifications_total"),
      type: "counter",
      help: "Notifications made of what was read.",
      samples: ofSources(({ notifications }) => notifications),
    },
    {
      name: name("poll_ignored_total"),
      type: "counter",
      help: "Items that could not be read, or not be remembered.",
      samples: ofSources(({ ignored }) => ignored),
    },
    {
      name: name("poll_known"),
      type: "gauge",
      help: "Items that are remembered.",
      samples: ofSources(({ known }) => known),
    },
    {
      name: name("poll_succeeded_timestamp_seconds"),
      type: "gauge",
      help: "When the last reading succeeded.",
      samples: ofSources(({ succeededAtMs }) =>
        succeededAtMs === undefined ? undefined : succeededAtMs / 1000,
      ),
    },
    {
      name: name("upstream_clock_skew_seconds"),
      type: "gauge",
      help: "How far the upstream's clock is ahead.",
      samples: [[{}, polling?.skewMs === undefined ? undefined : polling.skewMs / 1000]],
    },
  ];
}
