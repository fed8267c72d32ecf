import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { setPassword } from "../api/access.ts";
import { passwordFault, passwordRule } from "../password-rule.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

interface PasswordValues {
  current: string;
  password: string;
}

/** Changes one's own password. Other sessions of the same user end. */
export function PasswordDialog({
  userId,
  opened,
  onClose,
}: {
  userId: string;
  opened: boolean;
  onClose: () => void;
}) {
  const form = useForm<PasswordValues>({
    initialValues: { current: "", password: "" },
    validate: { password: passwordFault },
  });
  const change = useMutation({
    mutationFn: ({ password, current }: PasswordValues) => setPassword(userId, password, current),
    gcTime: 0,
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        change.reset();
        form.reset();
      }}
      title="Change the password"
    >
      {change.isSuccess ? (
        <Stack>
          <Text>The password is changed. Your other sessions have ended.</Text>
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
          <Stack>
            <PasswordInput
              label="Current password"
              required
              autoComplete="current-password"
              visibilityToggleButtonProps={{ "aria-label": "Show the current password" }}
              data-autofocus
              {...form.getInputProps("current")}
            />
            <PasswordInput
              label="New password"
              description={`${passwordRule}.`}
              required
              autoComplete="new-password"
              visibilityToggleButtonProps={{ "aria-label": "Show the new password" }}
              {...form.getInputProps("password")}
            />
            {change.isError ? <Failure title="The password was not changed" error={change.error} /> : null}
            <FormButtons action="Change" isPending={change.isPending} onCancel={onClose} />
          </Stack>
        </form>
      )}
    </Modal>
  );
}
