import type { User } from "@sallyport/hub";
import { Button, Group, Modal, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { createUser, removeUser, updateUser, usersQuery } from "../api/access.ts";
import {
  LabelScopeField,
  RoleField,
  scopeOfPairs,
  scopeText,
  type Role,
} from "../components/access-fields.tsx";
import { ConfirmDialog } from "../components/confirm-dialog.tsx";
import { DataList } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { StatusBadge } from "../components/status-badge.tsx";

/** Who may sign in to the console. */
export function UsersPage() {
  const users = useInfiniteQuery(usersQuery);
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: usersQuery.queryKey });
  const [adding, { open, close }] = useDisclosure(false);
  const [removing, setRemoving] = useState<User | null>(null);
  const change = useMutation({
    mutationFn: ({ id, disabled }: User) => updateUser(id, { disabled: !disabled }),
    onSuccess: again,
  });
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
    {
      accessor: "actions",
      title: "",
      render: (user) => (
        <Group gap="xs" wrap="nowrap">
          <Button size="compact-xs" variant="default" onClick={() => change.mutate(user)}>
            {user.disabled ? "Enable" : "Disable"}
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => setRemoving(user)}>
            Remove
          </Button>
        </Group>
      ),
    },
  ];
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
        what="users"
        list={users}
        columns={columns}
        idOf={({ id }) => id}
        empty={{ title: "There is no user", description: "API keys work without one; add people here." }}
      />
    </Page>
  );
}

interface NewUserValues {
  login: string;
  password: string;
  role: Role;
  labels: string[];
}

function NewUserDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<NewUserValues>({
    initialValues: { login: "", password: "", role: "viewer", labels: [] },
    validate: {
      password: (value) => (value.length < 12 ? "At least 12 characters" : null),
    },
  });
  const add = useMutation({
    mutationFn: ({ login, password, role, labels }: NewUserValues) =>
      createUser({ login: login.trim(), password, role, scope: scopeOfPairs(labels) }),
    gcTime: 0,
    onSuccess: async (_answer, _values, _result, { client }) => {
      await client.invalidateQueries({ queryKey: usersQuery.queryKey });
      onClose();
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        add.reset();
        form.reset();
      }}
      title="Add a user"
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
        <Stack>
          <TextInput
            label="Login"
            required
            maxLength={128}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
            {...form.getInputProps("login")}
          />
          <PasswordInput
            label="Password"
            description="At least 12 characters; the user can change it."
            required
            autoComplete="new-password"
            visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
            {...form.getInputProps("password")}
          />
          <RoleField value={form.values.role} onChange={(role) => form.setFieldValue("role", role)} />
          <LabelScopeField
            value={form.values.labels}
            onChange={(labels) => form.setFieldValue("labels", labels)}
          />
          {add.isError ? <Failure title="The user was not added" error={add.error} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={add.isPending} disabled={form.values.login.trim() === ""}>
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
