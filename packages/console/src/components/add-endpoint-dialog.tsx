import type { PrimarySummary } from "@sallyport/hub";
import { Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { primariesKey } from "../api/primaries.ts";
import { newDetails } from "../api/primary.ts";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";
import { SecretOnce } from "./secret-once.tsx";

interface EndpointValues {
  groupId: string;
  priority: number | string;
}

interface AddEndpointDialogProps {
  primary: PrimarySummary;
  opened: boolean;
  onClose: () => void;
}

/** Gives a primary one more endpoint, with a token of its own. */
export function AddEndpointDialog({ primary, opened, onClose }: AddEndpointDialogProps) {
  const { id, name, groupId } = primary;
  const form = useForm<EndpointValues>({
    initialValues: { groupId, priority: 2 },
    validate: {
      groupId: (value) => (/^[\w.-]{1,64}$/.test(value) ? null : "1 to 64 letters, digits and . _ - only"),
      priority: (value) => (Number.isInteger(value) && Number(value) >= 0 ? null : "A whole number"),
    },
  });
  const add = useMutation({
    mutationFn: (values: EndpointValues) => newDetails(id, values.groupId, Number(values.priority)),
    // The address is a secret as long as it works: it leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: async (_answer, _values, _result, { client }) => {
      await client.invalidateQueries({ queryKey: [`/primaries/${encodeURIComponent(id)}/tokens`] });
      await client.invalidateQueries({ queryKey: primariesKey });
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
      title={add.isSuccess ? `The new endpoint of ${name}` : `Add an endpoint to ${name}`}
      size="lg"
      // What cannot be shown again does not vanish by a click beside it.
      closeOnClickOutside={!add.isSuccess && !add.isPending}
    >
      {add.isSuccess ? (
        <SecretOnce label="Details address" secret={add.data.detailsUrl} onDone={onClose}>
          It works once, within an hour: add the endpoint on the primary with it.
        </SecretOnce>
      ) : (
        <form onSubmit={form.onSubmit((values) => add.mutate(values))} noValidate>
          <Stack>
            <Text size="sm">
              A primary connects to one endpoint of each group, the one with the lowest priority that it
              reaches.
            </Text>
            <TextInput
              label="Group"
              required
              autoComplete="off"
              spellCheck={false}
              maxLength={64}
              data-autofocus
              {...form.getInputProps("groupId")}
            />
            <NumberInput
              label="Priority"
              min={0}
              allowDecimal={false}
              required
              {...form.getInputProps("priority")}
            />
            {add.isError ? <Failure title="The endpoint was not added" error={add.error} /> : null}
            <FormButtons action="Add" isPending={add.isPending} onCancel={onClose} />
          </Stack>
        </form>
      )}
    </Modal>
  );
}
