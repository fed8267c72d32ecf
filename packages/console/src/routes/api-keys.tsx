import type { ApiKey } from "@sallyport/hub";
import { Button, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { apiKeysQuery, createApiKey, revokeApiKey } from "../api/access.ts";
import { LabelScopeField, RoleField, scopeOfPairs, scopeText } from "../components/access-fields.tsx";
import { ConfirmDialog } from "../components/confirm-dialog.tsx";
import { actionsColumn, DataList } from "../components/data-list.tsx";
import { Failure } from "../components/failure.tsx";
import { FormButtons } from "../components/form-buttons.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { SecretOnce } from "../components/secret-once.tsx";
import type { Role } from "../roles.ts";

const dayMs = 86_400_000;

/** Who may use the hub's API. */
export function ApiKeysPage() {
  const keys = useInfiniteQuery(apiKeysQuery);
  const client = useQueryClient();
  const [making, { open, close }] = useDisclosure(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const columns: DataTableColumn<ApiKey>[] = [
    { accessor: "name", title: "Name" },
    { accessor: "role", title: "Role" },
    { accessor: "scope", title: "For", render: ({ scope }) => scopeText(scope) },
    {
      accessor: "expiresAt",
      title: "Expires",
      render: ({ expiresAt }) => <Moment iso={expiresAt} missing="never" />,
    },
    {
      accessor: "lastUsedAt",
      title: "Last used",
      render: ({ lastUsedAt }) => <Moment iso={lastUsedAt} missing="never" />,
    },
    { accessor: "lastUsedFrom", title: "From" },
    actionsColumn((key) => (
      <Button
        size="compact-xs"
        variant="default"
        onClick={() => setRevoking(key)}
        aria-label={`Revoke ${key.name}`}
      >
        Revoke
      </Button>
    )),
  ];
  return (
    <Page
      title="API keys"
      actions={
        <Button leftSection={<PlusIcon />} onClick={open}>
          Make an API key
        </Button>
      }
    >
      <NewKeyDialog opened={making} onClose={close} />
      <ConfirmDialog
        opened={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke ${revoking?.name ?? ""}?`}
        action="Revoke"
        onConfirm={async () => {
          if (revoking !== null) await revokeApiKey(revoking.id);
          await client.invalidateQueries({ queryKey: apiKeysQuery.queryKey });
        }}
      >
        Whatever uses this key is refused at once. It can&apos;t be taken back.
      </ConfirmDialog>
      <DataList
        what={["API key", "API keys"]}
        list={keys}
        columns={columns}
        idOf={({ id }) => id}
        empty={{ title: "There is no API key", description: "Make one for each program that uses the hub." }}
      />
    </Page>
  );
}

interface NewKeyValues {
  name: string;
  role: Role;
  labels: string[];
  /** Empty for a key that does not expire. */
  days: string;
}

function NewKeyDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const form = useForm<NewKeyValues>({
    initialValues: { name: "", role: "viewer", labels: [], days: "90" },
  });
  const make = useMutation({
    mutationFn: (values: NewKeyValues) =>
      createApiKey({
        name: values.name.trim(),
        role: values.role,
        scope: scopeOfPairs(values.labels),
        expiresAt:
          values.days === "" ? null : new Date(Date.now() + Number(values.days) * dayMs).toISOString(),
      }),
    // The key leaves memory together with the dialog.
    gcTime: 0,
    onSuccess: (_key, _values, _result, { client }) =>
      client.invalidateQueries({ queryKey: apiKeysQuery.queryKey }),
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      onExitTransitionEnd={() => {
        make.reset();
        form.reset();
      }}
      title={make.isSuccess ? `The API key of ${make.data.name}` : "Make an API key"}
      size="lg"
      closeOnClickOutside={!make.isSuccess && !make.isPending}
    >
      {make.isSuccess ? (
        <SecretOnce label="API key" secret={make.data.key} onDone={onClose}>
          The hub keeps only its hash. If it is lost, revoke it and make another one.
        </SecretOnce>
      ) : (
        <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
          <Stack>
            <TextInput
              label="Name"
              description="What uses it, for example monitoring."
              required
              maxLength={128}
              autoComplete="off"
              data-autofocus
              {...form.getInputProps("name")}
            />
            <RoleField value={form.values.role} onChange={(role) => form.setFieldValue("role", role)} />
            <LabelScopeField
              value={form.values.labels}
              onChange={(labels) => form.setFieldValue("labels", labels)}
            />
            <Select
              label="Expires"
              data={[
                { value: "30", label: "in 30 days" },
                { value: "90", label: "in 90 days" },
                { value: "365", label: "in a year" },
                { value: "", label: "never" },
              ]}
              allowDeselect={false}
              {...form.getInputProps("days")}
            />
            {make.isError ? <Failure title="The key was not made" error={make.error} /> : null}
            <FormButtons
              action="Make it"
              isPending={make.isPending}
              disabled={form.values.name.trim() === ""}
              onCancel={onClose}
            />
          </Stack>
        </form>
      )}
    </Modal>
  );
}
