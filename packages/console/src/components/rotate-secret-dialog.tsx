import { Modal, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { rotateWebhookSecret } from "../api/webhooks.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";
import { defaultOverlap, OverlapSelect } from "./overlap-select.tsx";
import { SecretOnce } from "./secret-once.tsx";

interface RotateSecretDialogProps {
  id: string;
  opened: boolean;
  onClose: () => void;
}

/** Makes a new secret for a webhook and shows it, this once. */
export function RotateSecretDialog({ id, opened, onClose }: RotateSecretDialogProps) {
  const [overlap, setOverlap] = useState(defaultOverlap);
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
        setOverlap(defaultOverlap);
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
            <OverlapSelect
              label="The old secret signs"
              none="not any more"
              value={overlap}
              onChange={setOverlap}
            />
            {rotate.isError ? <Failure title="The secret was not rotated" error={rotate.error} /> : null}
            <FormButtons action="Rotate" isPending={rotate.isPending} onCancel={onClose} />
          </Stack>
        </form>
      )}
    </Modal>
  );
}
