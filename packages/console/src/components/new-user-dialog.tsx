import { Modal, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { createUser, usersQuery } from "../api/access.ts";
import { passwordFault, passwordRule } from "../password-rule.ts";
import type { Role } from "../roles.ts";
import { LabelScopeField, RoleField, scopeOfPairs } from "./access-fields.tsx";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

interface NewUserValues {
  login: string;
  password: string;
  role: Role;
  labels: string[];
}

/** Adds a user. */
export function NewUserDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<NewUserValues>({
    initialValues: { login: "", password: "", role: "viewer", labels: [] },
    validate: { password: passwordFault },
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
            description={`${passwordRule}; the user can change it.`}
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
          <FormButtons
            action="Add"
            isPending={add.isPending}
            disabled={form.values.login.trim() === ""}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Modal>
  );
}
