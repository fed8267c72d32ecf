import { Badge } from "@mantine/core";
import type { ComponentType } from "react";
import { CheckIcon, CrossIcon, DashIcon, WarningIcon } from "./icons.tsx";

/** How something stands, for people. */
export type Standing = "good" | "warning" | "bad" | "neutral";

const looks: Record<Standing, { color: string; Icon: ComponentType<{ size?: number }> }> = {
  good: { color: "green", Icon: CheckIcon },
  warning: { color: "yellow", Icon: WarningIcon },
  bad: { color: "red", Icon: CrossIcon },
  neutral: { color: "gray", Icon: DashIcon },
};

/** A state in words, with an icon and a colour of its own. */
export function StatusBadge({ standing, children }: { standing: Standing; children: string }) {
  const { color, Icon } = looks[standing];
  return (
    <Badge
      variant="light"
      color={color}
      tt="none"
      fw={600}
      miw="max-content"
      leftSection={<Icon size={12} />}
      styles={{ label: { color: "var(--mantine-color-text)" } }}
    >
      {children}
    </Badge>
  );
}
