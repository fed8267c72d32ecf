import { Anchor, Group, Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface PageProps {
  title: string;
  /** The list that this is one of. */
  parent?: { to: "/primaries" | "/webhooks"; label: string };
  /** Buttons for the page as a whole. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One page within the frame: its title, also in the browser's tab, and what belongs below it. */
export function Page({ title, parent, actions, children }: PageProps) {
  useDocumentTitle(`${title} · Sallyport`);
  return (
    <Stack gap="md">
      <Stack gap={4} align="stretch">
        {parent === undefined ? null : (
          <nav aria-label="Where this is">
            <Anchor size="sm" renderRoot={(props) => <Link to={parent.to} {...props} />}>
              ← {parent.label}
            </Anchor>
          </nav>
        )}
        <Group justify="space-between" gap="sm">
          <Title order={1} size="h2" miw={0} style={{ overflowWrap: "anywhere" }}>
            {title}
          </Title>
          {actions}
        </Group>
      </Stack>
      {children}
    </Stack>
  );
}
