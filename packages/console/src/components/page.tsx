import { Group, Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

interface PageProps {
  title: string;
  /** Buttons for the page as a whole. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One page within the frame: its title, also in the browser's tab, and what belongs below it. */
export function Page({ title, actions, children }: PageProps) {
  useDocumentTitle(`${title} · Sallyport`);
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <Title order={1} size="h2">
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}
