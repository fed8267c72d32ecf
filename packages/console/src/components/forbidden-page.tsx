import { Text } from "@mantine/core";
import type { ConsolePage } from "../pages.ts";
import { roleReaches, type Role } from "../roles.ts";
import { Page } from "./page.tsx";

/** In place of a page that the hub would not fill for whoever is signed in. */
export function ForbiddenPage({ page, role }: { page: ConsolePage; role: Role }) {
  return (
    <Page title={page.label}>
      <Text>
        {roleReaches(role, page.role)
          ? "This page is about the hub as a whole; you see only some of its primaries."
          : `This page needs the role ${page.role}; you are signed in as ${role}.`}{" "}
        Ask an administrator of the hub for it, or sign in as somebody who may see it.
      </Text>
    </Page>
  );
}
