import { Badge, Group } from "@mantine/core";

/** The labels of a primary. */
export function Labels({ labels }: { labels: Readonly<Record<string, string>> }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return (
    <Group gap={4}>
      {entries.map(([name, value]) => (
        <Badge key={name} variant="default" size="sm" tt="none" fw={400} radius="sm" maw="100%">
          {name}={value}
        </Badge>
      ))}
    </Group>
  );
}
