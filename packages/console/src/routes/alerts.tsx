import type { Alert as MissedEvent, AlertCondition, AlertRule } from "@sallyport/hub";
import {
  Button,
  Group,
  Modal,
  NumberInput,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import {
  acknowledgeAlert,
  addAlertRule,
  alertRulesQuery,
  alertsQuery,
  removeAlertRule,
  setAlertRuleEnabled,
} from "../api/alerts.ts";
import { ConfirmDialog } from "../components/confirm-dialog.tsx";
import { DataList } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { ChoiceFilter, FilterBar } from "../components/filter-bar.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useFilters } from "../use-filters.ts";

const names = ["state"] as const;

/** What should have happened and did not, and what is watched for. */
export function AlertsPage() {
  const [adding, { open, close }] = useDisclosure(false);
  return (
    <Page
      title="Alerts"
      actions={
        <Button leftSection={<PlusIcon />} onClick={open}>
          Watch for something
        </Button>
      }
    >
      <NewRuleDialog opened={adding} onClose={close} />
      <Stack gap="md">
        <Alerts />
        <Title order={2} size="h4">
          What is watched for
        </Title>
        <Rules />
      </Stack>
    </Page>
  );
}

function Alerts() {
  const [filters, set] = useFilters(names);
  const alerts = useInfiniteQuery(alertsQuery(filters));
  const client = useQueryClient();
  const acknowledge = useMutation({
    mutationFn: ({ id }: MissedEvent) => acknowledgeAlert(id),
    onSuccess: () => client.invalidateQueries({ queryKey: ["/alerts"] }),
  });
  const columns: DataTableColumn<MissedEvent>[] = [
    { accessor: "raisedAt", title: "Since", render: ({ raisedAt }) => <Moment iso={raisedAt} /> },
    { accessor: "primaryName", title: "Primary", render: ({ primaryName }) => primaryName ?? "the hub" },
    {
      accessor: "message",
      title: "What",
      render: ({ message, advice }) => (
        <Stack gap={2}>
          <Text size="sm">{message}</Text>
          <Text size="xs" c="dimmed">
            {advice}
          </Text>
        </Stack>
      ),
    },
    { accessor: "state", title: "State", render: (alert) => <AlertState alert={alert} /> },
    {
      accessor: "actions",
      title: "",
      render: (alert) =>
        alert.resolvedAt === null && alert.acknowledgedAt === null ? (
          <Button size="compact-xs" variant="default" onClick={() => acknowledge.mutate(alert)}>
            Acknowledge
          </Button>
        ) : null,
    },
  ];
  return (
    <Stack gap="sm">
      <FilterBar>
        <ChoiceFilter
          label="Shown"
          value={filters.state}
          onChange={(value) => set("state", value)}
          choices={[
            { value: "open", label: "open" },
            { value: "resolved", label: "resolved" },
            { value: "all", label: "all" },
          ]}
        />
      </FilterBar>
      {acknowledge.isError ? <Failure title="It was not acknowledged" error={acknowledge.error} /> : null}
      <DataList
        what="alerts"
        list={alerts}
        columns={columns}
        idOf={({ id }) => id}
        empty={{ title: "Nothing is missing", description: "What is watched for has happened in time." }}
      />
    </Stack>
  );
}

function AlertState({ alert }: { alert: MissedEvent }) {
  if (alert.resolvedAt !== null) return <StatusBadge standing="good">resolved</StatusBadge>;
  if (alert.acknowledgedBy === null) return <StatusBadge standing="bad">open</StatusBadge>;
  return <StatusBadge standing="warning">{`acknowledged by ${alert.acknowledgedBy}`}</StatusBadge>;
}

function Rules() {
  const rules = useInfiniteQuery(alertRulesQuery);
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: alertRulesQuery.queryKey });
  const [removing, setRemoving] = useState<AlertRule | null>(null);
  const change = useMutation({
    mutationFn: ({ id, enabled }: AlertRule) => setAlertRuleEnabled(id, !enabled),
    onSuccess: again,
  });
  const columns: DataTableColumn<AlertRule>[] = [
    { accessor: "name", title: "Name" },
    { accessor: "condition", title: "When", render: ({ condition }) => conditionText(condition) },
    {
      accessor: "enabled",
      title: "Watched",
      render: (rule) => (
        <Switch
          checked={rule.enabled}
          onChange={() => change.mutate(rule)}
          aria-label={`Watch for ${rule.name}`}
        />
      ),
    },
    {
      accessor: "actions",
      title: "",
      render: (rule) => (
        <Button size="compact-xs" variant="default" onClick={() => setRemoving(rule)}>
          Remove
        </Button>
      ),
    },
  ];
  return (
    <Stack gap="sm">
      {change.isError ? <Failure title="The rule was not changed" error={change.error} /> : null}
      <ConfirmDialog
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Stop watching for ${removing?.name ?? ""}?`}
        action="Remove"
        onConfirm={async () => {
          if (removing !== null) await removeAlertRule(removing.id);
          await again();
        }}
      >
        Its open alerts are resolved.
      </ConfirmDialog>
      <DataList
        what="rules"
        list={rules}
        columns={columns}
        idOf={({ id }) => id}
        empty={{ title: "Nothing is watched for", description: "Use “Watch for something” above." }}
      />
    </Stack>
  );
}

function conditionText(condition: AlertCondition): string {
  switch (condition.kind) {
    case "no_good_backup": {
      const { hours, policy, client } = condition;
      const of = [
        policy === undefined ? "" : ` of policy ${policy}`,
        client === undefined ? "" : ` of ${client}`,
      ];
      return `no good backup${of.join("")} for ${hours} hours`;
    }
    case "primary_silent":
      return `a primary is silent for ${condition.minutes} minutes`;
    case "inbox_behind":
      return `the inbox is behind by ${condition.seconds} seconds`;
  }
}

interface NewRuleValues {
  name: string;
  kind: AlertCondition["kind"];
  amount: number;
  policy: string;
}

const units: Record<AlertCondition["kind"], string> = {
  no_good_backup: "Hours without a good backup",
  primary_silent: "Minutes of silence",
  inbox_behind: "Seconds behind",
};

function conditionOf({ kind, amount, policy }: NewRuleValues): AlertCondition {
  const filter = { labels: {}, primaries: [] };
  switch (kind) {
    case "no_good_backup":
      return { kind, hours: amount, ...(policy.trim() === "" ? {} : { policy: policy.trim() }), ...filter };
    case "primary_silent":
      return { kind, minutes: amount, ...filter };
    case "inbox_behind":
      return { kind, seconds: amount };
  }
}

function NewRuleDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<NewRuleValues>({
    initialValues: { name: "", kind: "no_good_backup", amount: 26, policy: "" },
  });
  const add = useMutation({
    mutationFn: (values: NewRuleValues) =>
      addAlertRule({ name: values.name.trim(), condition: conditionOf(values) }),
    onSuccess: async (_answer, _values, _result, { client }) => {
      await client.invalidateQueries({ queryKey: alertRulesQuery.queryKey });
      onClose();
    },
  });
  const { kind } = form.values;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        add.reset();
        form.reset();
      }}
      title="Watch for something"
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
        <Stack>
          <TextInput label="Name" required maxLength={128} data-autofocus {...form.getInputProps("name")} />
          <Select
            label="What"
            data={[
              { value: "no_good_backup", label: "no good backup" },
              { value: "primary_silent", label: "a primary is silent" },
              { value: "inbox_behind", label: "the inbox is behind" },
            ]}
            allowDeselect={false}
            {...form.getInputProps("kind")}
          />
          <NumberInput label={units[kind]} min={1} required {...form.getInputProps("amount")} />
          {kind === "no_good_backup" ? (
            <TextInput label="Only of this policy" {...form.getInputProps("policy")} />
          ) : null}
          {add.isError ? <Failure title="The rule was not added" error={add.error} /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={add.isPending} disabled={form.values.name.trim() === ""}>
              Watch
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
