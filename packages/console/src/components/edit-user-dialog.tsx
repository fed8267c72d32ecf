import type { User } from "@sallyport/hub";
import { Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { setPassword, updateUser, usersQuery } from "../api/access.ts";
import { toPairs } from "../label-pairs.ts";
import { passwordFault, passwordRule } from "../password-rule.ts";
import type { Role } from "../roles.ts";
import { LabelScopeField, RoleField, scopeOfPairs, scopeText } from "./access-fields.tsx";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

/** Changes somebody's name, role, primaries or password. */
export function EditUserDialog({ user, onClose }: { user: User | null; onClose: () => void }) {
  return (
    <Modal opened={user !== null} onClose={onClose} title={`Edit ${user?.login ?? ""}`} size="lg">
      {user === null ? null : <EditForm user={user} onClose={onClose} />}
    </Modal>
  );
}

interface EditValues {
  name: string;
  role: Role;
  labels: string[];
  /** Empty to leave it. */
  password: string;
}

function EditForm({ user, onClose }: { user: User; onClose: () => void }) {
  const { id, scope } = user;
  const form = useForm<EditValues>({
    initialValues: {
      name: user.name,
      role: user.role,
      labels: scope.kind === "labels" ? toPairs(scope.labels) : [],
      password: "",
    },
    validate: { password: (value) => (value === "" ? null : passwordFault(value)) },
  });
  const save = useMutation({
    mutationFn: async ({ name, role, labels, password }: EditValues) => {
      // Primaries that were chosen one by one are left as they are: there are no fields for them here.
      const change = scope.kind === "primaries" ? {} : { scope: scopeOfPairs(labels) };
      await updateUser(id, { name: name.trim(), role, ...change });
      if (password !== "") await setPassword(id, password);
    },
    gcTime: 0,
    onSuccess: async (_answer, _values, _result, { client }) => {
      await client.invalidateQueries({ queryKey: usersQuery.queryKey });
      onClose();
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <TextInput label="Name" required maxLength={128} data-autofocus {...form.getInputProps("name")} />
        <RoleField value={form.values.role} onChange={(role) => form.setFieldValue("role", role)} />
        {scope.kind === "primaries" ? (
          <Text size="sm">For {scopeText(scope)}, chosen one by one; change them by the API.</Text>
        ) : (
          <LabelScopeField
            value={form.values.labels}
            onChange={(labels) => form.setFieldValue("labels", labels)}
          />
        )}
        <PasswordInput
          label="New password"
          description={`${passwordRule}; empty to leave the one there is. The user's sessions end.`}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
          {...form.getInputProps("password")}
        />
        {save.isError ? <Failure title="The user was not changed" error={save.error} /> : null}
        <FormButtons
          action="Save"
          isPending={save.isPending}
          disabled={form.values.name.trim() === ""}
          onCancel={onClose}
        />
      </Stack>
    </form>
  );
}
