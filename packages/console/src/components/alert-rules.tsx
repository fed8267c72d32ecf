import type { AlertRule } from "@sallyport/hub";
import { Button, Stack, Switch } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { conditionText } from "../alert-condition.ts";
import { alertRulesQuery, removeAlertRule, setAlertRuleEnabled } from "../api/alerts.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { actionsColumn, DataList } from "./data-list.tsx";
import { Failure } from "./failure.tsx";
import { StatusBadge } from "./status-badge.tsx";

/** What is watched for. */
export function AlertRules({ mayChange }: { mayChange: boolean }) {
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
      render: (rule) =>
        mayChange ? (
          <Switch
            checked={rule.enabled}
            disabled={change.isPending && change.variables.id === rule.id}
            onChange={() => change.mutate(rule)}
            aria-label={`Watch for ${rule.name}`}
          />
        ) : (
          <StatusBadge standing={rule.enabled ? "good" : "neutral"}>
            {rule.enabled ? "watched" : "not watched"}
          </StatusBadge>
        ),
    },
  ];
  const actions = actionsColumn<AlertRule>((rule) => (
    <Button
      size="compact-xs"
      variant="default"
      onClick={() => setRemoving(rule)}
      aria-label={`Remove ${rule.name}`}
    >
      Remove
    </Button>
  ));
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
        what={["rule", "rules"]}
        list={rules}
        columns={mayChange ? [...columns, actions] : columns}
        idOf={({ id }) => id}
        empty={{
          title: "Nothing is watched for",
          description: mayChange
            ? "Use “Watch for something” above."
            : "An administrator of the whole hub can add a rule.",
        }}
      />
    </Stack>
  );
}
