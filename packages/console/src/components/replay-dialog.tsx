import { Button, Group, Modal, NumberInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "@tanstack/react-query";
import { lastPositionQuery, replayWebhook, webhooksKey } from "../api/webhooks.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

interface ReplayDialogProps {
  id: string;
  opened: boolean;
  onClose: () => void;
}

interface ReplayValues {
  from: number | string;
  to: number | string;
}

const positionFault = (value: unknown) =>
  Number.isSafeInteger(value) && Number(value) >= 1 ? null : "A position: a whole number, at least 1";

/** Sends the events of a range of positions once more. */
export function ReplayDialog({ id, opened, onClose }: ReplayDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Send a range again">
      <ReplayForm id={id} onClose={onClose} />
    </Modal>
  );
}

function ReplayForm({ id, onClose }: Omit<ReplayDialogProps, "opened">) {
  const { data: last } = useQuery(lastPositionQuery);
  const form = useForm<ReplayValues>({
    initialValues: { from: "", to: "" },
    validate: {
      from: positionFault,
      to: (value, { from }) =>
        positionFault(value) ?? (Number(value) < Number(from) ? "Not before the first one" : null),
    },
  });
  const replay = useMutation({
    mutationFn: ({ from, to }: ReplayValues) => replayWebhook(id, Number(from), Number(to)),
    onSuccess: (_queued, _values, _result, { client }) => client.invalidateQueries({ queryKey: webhooksKey }),
  });
  if (replay.isSuccess) {
    const events = replay.data === 1 ? "1 event is" : `${replay.data} events are`;
    return (
      <Stack>
        <Text component="output">
          {replay.data === 0
            ? "There is nothing to send: no event of this range is one that the webhook wants, or the hub does not keep it any more."
            : `${events} sent once more.`}
        </Text>
        <Group justify="flex-end">
          <Button onClick={onClose} data-autofocus>
            Done
          </Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form onSubmit={form.onSubmit((values) => replay.mutate(values))} noValidate>
      <Stack>
        <Text size="sm">
          Of the events at these positions, those that the webhook wants are sent once more, also if they were
          delivered. {last === undefined ? "" : `The newest position is ${last}.`}
        </Text>
        <NumberInput
          label="From position"
          min={1}
          allowDecimal={false}
          required
          data-autofocus
          {...form.getInputProps("from")}
        />
        <NumberInput
          label="To position"
          description="Included."
          min={1}
          allowDecimal={false}
          required
          {...form.getInputProps("to")}
        />
        {replay.isError ? <Failure title="Nothing was sent" error={replay.error} /> : null}
        <FormButtons action="Send again" isPending={replay.isPending} onCancel={onClose} />
      </Stack>
    </form>
  );
}
