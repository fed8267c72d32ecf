import type { AlertCondition } from "@sallyport/hub";
import { Modal, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { conditionOf, type RuleValues } from "../alert-condition.ts";
import { addAlertRule, alertRulesQuery } from "../api/alerts.ts";
import { LabelScopeField } from "./access-fields.tsx";
import { Failure } from "./failure.tsx";
import { FormButtons } from "./form-buttons.tsx";

const units: Record<AlertCondition["kind"], string> = {
  no_good_backup: "Hours without a good backup",
  primary_silent: "Minutes of silence",
  notifications_missing: "Hours that it is shown",
  inbox_behind: "Seconds behind",
};

/** Adds an alert rule. */
export function NewRuleDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<RuleValues>({
    initialValues: { name: "", kind: "no_good_backup", amount: 26, policy: "", client: "", labels: [] },
    validate: {
      amount: (value) => (Number.isInteger(value) && value >= 1 ? null : "A whole number, at least 1"),
    },
  });
  const add = useMutation({
    mutationFn: (values: RuleValues) =>
      addAlertRule({ name: values.name.trim(), condition: conditionOf(values) }),
    onSuccess: async (_answer, _values, _result, { client }) => {
      await client.invalidateQueries({ queryKey: alertRulesQuery.queryKey });
      onClose();
    },
  });
  const { kind, labels } = form.values;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        add.reset();
        form.reset();
      }}
      title="Watch for something"
    >
      <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
        <Stack>
          <TextInput label="Name" required maxLength={128} data-autofocus {...form.getInputProps("name")} />
          <Select
            label="What"
            data={[
              { value: "no_good_backup", label: "no good backup" },
              { value: "primary_silent", label: "a primary is silent" },
              { value: "notifications_missing", label: "notifications are missing" },
              { value: "inbox_behind", label: "the inbox is behind" },
            ]}
            allowDeselect={false}
            {...form.getInputProps("kind")}
          />
          <NumberInput
            label={units[kind]}
            min={1}
            required
            allowDecimal={false}
            {...form.getInputProps("amount")}
          />
          {kind === "no_good_backup" ? (
            <>
              <TextInput label="Only by this policy" {...form.getInputProps("policy")} />
              <TextInput label="Only of this client" {...form.getInputProps("client")} />
            </>
          ) : null}
          {kind === "inbox_behind" ? null : (
            <LabelScopeField value={labels} onChange={(pairs) => form.setFieldValue("labels", pairs)} />
          )}
          {add.isError ? <Failure title="The rule was not added" error={add.error} /> : null}
          <FormButtons
            action="Watch"
            isPending={add.isPending}
            disabled={form.values.name.trim() === ""}
            onCancel={onClose}
          />
        </Stack>
      </form>
    </Modal>
  );
}
