import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { primaryQuery } from "../api/primary.ts";
import { PrimaryLink } from "./primary-link.tsx";

interface PrimaryFilterProps {
  /** The id; empty for all primaries. */
  value: string;
  onChange: (value: string) => void;
}

/** Says that a list is of one primary only, and takes that back. It is set by a link on the primary's page. */
export function PrimaryFilter({ value, onChange }: PrimaryFilterProps) {
  const { data } = useQuery({ ...primaryQuery(value), enabled: value !== "" });
  if (value === "") return null;
  return (
    <Group gap="sm">
      <Text size="sm">
        Only of <PrimaryLink id={value} name={data?.name ?? value} />
      </Text>
      <Button size="compact-sm" variant="default" onClick={() => onChange("")}>
        Show those of all primaries
      </Button>
    </Group>
  );
}
