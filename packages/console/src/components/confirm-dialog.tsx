import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Failure } from "./failure.tsx";

interface ConfirmDialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, and what can't be undone. */
  children: ReactNode;
  /** On the button: "Remove". */
  action: string;
  /** What has to be typed before, for what would hurt most when it is the wrong one. */
  typed?: string;
  /** Does it; the dialog closes when it succeeds and says so when it does not. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before something that can't be taken back. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { opened, onClose, title, children, action, typed, onConfirm } = props;
  const [text, setText] = useState("");
  const run = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        run.reset();
        setText("");
      }}
      title={title}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate();
        }}
      >
        <Stack>
          <Text component="div">{children}</Text>
          {typed === undefined ? null : (
            <TextInput
              label={
                <>
                  Type{" "}
                  <Text span inherit fw={700} style={{ overflowWrap: "anywhere" }}>
                    {typed}
                  </Text>{" "}
                  to go on
                </>
              }
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
            />
          )}
          {run.isError ? <Failure title="It was not done" error={run.error} /> : null}
          <Group justify="flex-end">
            <Button
              variant="default"
              onClick={onClose}
              data-autofocus={typed === undefined ? true : undefined}
            >
              Cancel
            </Button>
            <Button
              type="submit"
              color="red"
              loading={run.isPending}
              disabled={typed !== undefined && text.trim() !== typed}
            >
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
