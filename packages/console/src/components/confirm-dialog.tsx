import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failure } from "./failure.tsx";

interface ConfirmDialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, and what can't be undone. */
  children: ReactNode;
  /** On the button: "Remove berlin-01". */
  action: string;
  /** Does it; the dialog closes when it succeeds and says so when it does not. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before something that can't be taken back. */
export function ConfirmDialog({ opened, onClose, title, children, action, onConfirm }: ConfirmDialogProps) {
  const run = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => run.reset()}
      title={title}
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      <Stack>
        <Text component="div">{children}</Text>
        {run.isError ? <Failure title="It was not done" error={run.error} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={run.isPending} onClick={() => run.mutate()}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
