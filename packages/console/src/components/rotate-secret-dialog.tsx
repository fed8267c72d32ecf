import { Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { rotateWebhookSecret } from "../api/webhooks.ts";
import { Failure } from "./failure.tsx";
import { SecretOnce } from "./secret-once.tsx";

const hourMs = 3_600_000;
const dayMs = String(24 * hourMs);
const overlaps = [
  { value: dayMs, label: "for a day more" },
  { value: String(hourMs), label: "for an hour more" },
  { value: String(7 * 24 * hourMs), label: "for a week more" },
  { value: "0", label: "not any more" },
];

interface RotateSecretDialogProps {
  id: string;
  opened: boolean;
  onClose: () => void;
}

/** Makes a new secret for a webhook and shows it, this once. */
export function RotateSecretDialog({ id, opened, onClose }: RotateSecretDialogProps) {
  const [overlap, setOverlap] = useState(dayMs);
  const rotate = useMutation({
    mutationFn: () => rotateWebhookSecret(id, Number(overlap)),
    // The secret leaves memory together with the dialog.
    gcTime: 0,
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        rotate.reset();
        setOverlap(dayMs);
      }}
      title={rotate.isSuccess ? "The new secret" : "Rotate the secret"}
      size="lg"
      closeOnClickOutside={!rotate.isSuccess && !rotate.isPending}
    >
      {rotate.isSuccess ? (
        <SecretOnce label="Secret" secret={rotate.data.secret} onDone={onClose}>
          Give it to the receiver now. If it is lost, rotate it again.
        </SecretOnce>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            rotate.mutate();
          }}
        >
          <Stack>
            <Text size="sm">
              While both sign, the receiver may verify with either: there is time to give it the new one.
            </Text>
            <Select
              label="The old secret signs"
              data={overlaps}
              value={overlap}
              onChange={(value) => setOverlap(value ?? dayMs)}
              allowDeselect={false}
              data-autofocus
            />
            {rotate.isError ? <Failure title="The secret was not rotated" error={rotate.error} /> : null}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={rotate.isPending}>
                Rotate
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
