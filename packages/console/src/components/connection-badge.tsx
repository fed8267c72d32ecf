import { Badge } from "@mantine/core";
import type { ConnectionState } from "../api/primaries.ts";
import { stateNames } from "../connection-states.ts";
import { CheckIcon, CrossIcon, DashIcon } from "./icons.tsx";

const looks = {
  connected: { color: "green", Icon: CheckIcon },
  stale: { color: "yellow", Icon: DashIcon },
  disconnected: { color: "red", Icon: CrossIcon },
  never: { color: "gray", Icon: DashIcon },
} as const;

/** The state of a connection in words, with an icon and a colour of its own. */
export function ConnectionBadge({ state }: { state: ConnectionState }) {
  const { color, Icon } = looks[state];
  return (
    <Badge
      variant="light"
      color={color}
      tt="none"
      fw={600}
      size="lg"
      miw="max-content"
      leftSection={<Icon size={14} />}
      styles={{ label: { color: "var(--mantine-color-text)" } }}
    >
      {stateNames[state]}
    </Badge>
  );
}
