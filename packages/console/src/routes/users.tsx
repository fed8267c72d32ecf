import type { User } from "@sallyport/hub";
import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { removeUser, updateUser, usersQuery } from "../api/access.ts";
import { scopeText } from "../components/access-fields.tsx";
import { ConfirmDialog } from "../components/confirm-dialog.tsx";
import { actionsColumn, DataList } from "../components/data-list.tsx";
import { EditUserDialog } from "../components/edit-user-dialog.tsx";
import { Failure } from "../components/failure.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { NewUserDialog } from "../components/new-user-dialog.tsx";
import { Page } from "../components/page.tsx";
import { StatusBadge } from "../components/status-badge.tsx";

const columns: DataTableColumn<User>[] = [
  { accessor: "login", title: "Login" },
  { accessor: "name", title: "Name" },
  { accessor: "role", title: "Role" },
  { accessor: "scope", title: "For", render: ({ scope }) => scopeText(scope) },
  {
    accessor: "disabled",
    title: "State",
    render: ({ disabled }) => (
      <StatusBadge standing={disabled ? "bad" : "good"}>{disabled ? "disabled" : "enabled"}</StatusBadge>
    ),
  },
  {
    accessor: "lastSignInAt",
    title: "Last sign-in",
    render: ({ lastSignInAt }) => <Moment iso={lastSignInAt} missing="never" />,
  },
];

/** Who may sign in to the console. */
export function UsersPage() {
  const users = useInfiniteQuery(usersQuery);
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: usersQuery.queryKey });
  const [adding, { open, close }] = useDisclosure(false);
  const [editing, setEditing] = useState<User | null>(null);
  const [removing, setRemoving] = useState<User | null>(null);
  const change = useMutation({
    mutationFn: ({ id, disabled }: User) => updateUser(id, { disabled: !disabled }),
    onSuccess: again,
  });
  const actions = actionsColumn<User>((user) => (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => setEditing(user)}
        aria-label={`Edit ${user.login}`}
      >
        Edit
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        loading={change.isPending && change.variables.id === user.id}
        onClick={() => change.mutate(user)}
        aria-label={`${user.disabled ? "Enable" : "Disable"} ${user.login}`}
      >
        {user.disabled ? "Enable" : "Disable"}
      </Button>
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => setRemoving(user)}
        aria-label={`Remove ${user.login}`}
      >
        Remove
      </Button>
    </Group>
  ));
  return (
    <Page
      title="Users"
      actions={
        <Button leftSection={<PlusIcon />} onClick={open}>
          Add a user
        </Button>
      }
    >
      <NewUserDialog opened={adding} onClose={close} />
      <EditUserDialog user={editing} onClose={() => setEditing(null)} />
      <ConfirmDialog
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Remove ${removing?.login ?? ""}?`}
        action="Remove"
        onConfirm={async () => {
          if (removing !== null) await removeUser(removing.id);
          await again();
        }}
      >
        All sessions of this user end at once. What the user did stays in the audit.
      </ConfirmDialog>
      {change.isError ? <Failure title="The user was not changed" error={change.error} /> : null}
      <DataList
        what={["user", "users"]}
        list={users}
        columns={[...columns, actions]}
        idOf={({ id }) => id}
        empty={{ title: "There is no user", description: "API keys work without one; add people here." }}
      />
    </Page>
  );
}
