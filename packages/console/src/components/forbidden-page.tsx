import { Text } from "@mantine/core";
import type { Role } from "../roles.ts";
import { Page } from "./page.tsx";

/** In place of a page that the hub would not fill for this role. */
export function ForbiddenPage({ title, needed, role }: { title: string; needed: Role; role: Role }) {
  return (
    <Page title={title}>
      <Text>
        This page needs the role {needed}; you are signed in as {role}. Ask an administrator of the hub for
        that role, or sign in as somebody who has it.
      </Text>
    </Page>
  );
}
