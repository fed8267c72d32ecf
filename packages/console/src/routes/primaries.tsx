import { Alert, Button, Code, EmptyState, Group, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { primariesQuery } from "../api/primaries.ts";
import type { PrimarySummary } from "../api/primaries.ts";
import { EnrolDialog } from "../components/enrol-dialog.tsx";
import { Failure } from "../components/failure.tsx";
import { PlusIcon, SearchIcon, ServerIcon, WarningIcon } from "../components/icons.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryList } from "../components/primary-list.tsx";
import { matchesFilter } from "../primary-filter.ts";

/** Every primary that is enrolled, and how its connection does. */
export function PrimariesPage() {
  const primaries = useQuery(primariesQuery);
  const [enrolling, { open, close }] = useDisclosure(false);
  return (
    <Page
      title="Primaries"
      actions={
        <Button leftSection={<PlusIcon />} onClick={open}>
          Enrol a primary
        </Button>
      }
    >
      <EnrolDialog opened={enrolling} onClose={close} />
      {primaries.isPending ? <Loading /> : null}
      {primaries.isLoadingError ? (
        <Failure
          title="The primaries could not be read"
          error={primaries.error}
          onRetry={() => void primaries.refetch()}
          retrying={primaries.isFetching}
        />
      ) : null}
      {primaries.isRefetchError ? (
        <Stale error={primaries.error} updatedAtMs={primaries.dataUpdatedAt} />
      ) : null}
      {primaries.data === undefined ? null : <Primaries primaries={primaries.data} />}
    </Page>
  );
}

function Primaries({ primaries }: { primaries: readonly PrimarySummary[] }) {
  const [typed, setTyped] = useState("");
  if (primaries.length === 0) return <NoPrimaries />;
  const shown = primaries.filter((primary) => matchesFilter(primary, typed));
  const connected = primaries.filter(({ connection }) => connection.state === "connected").length;
  const count = `${primaries.length} ${primaries.length === 1 ? "primary" : "primaries"}`;
  return (
    <Stack gap="md">
      <Group gap="sm">
        <TextInput
          type="search"
          aria-label="Filter the primaries"
          placeholder="Filter by name, label, state, address…"
          leftSection={<SearchIcon />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          flex="1 1 16rem"
          maw="26rem"
        />
        <Text size="sm" c="dimmed" component="output">
          {typed.trim() === "" ? `${count}, ${connected} connected` : `${shown.length} of ${count}`}
        </Text>
      </Group>
      {shown.length === 0 ? (
        <EmptyState
          icon={<SearchIcon size={32} />}
          title="No primary matches the filter"
          description="Each word has to begin a word of the name, a label, the state, the address or the reason."
        >
          <EmptyState.Actions>
            <Button variant="default" onClick={() => setTyped("")}>
              Clear the filter
            </Button>
          </EmptyState.Actions>
        </EmptyState>
      ) : (
        <PrimaryList primaries={shown} />
      )}
    </Stack>
  );
}

function NoPrimaries() {
  return (
    <EmptyState
      py="xl"
      icon={<ServerIcon size={40} />}
      title="No primary is enrolled yet"
      description="A primary is a backup server behind a firewall that dials in to this hub."
    >
      <Text size="sm" ta="center">
        Use “Enrol a primary” above, or on the command line <Code>sallyport primaries add NAME</Code>
      </Text>
    </EmptyState>
  );
}

function Stale({ error, updatedAtMs }: { error: Error; updatedAtMs: number }) {
  return (
    <Alert color="yellow" icon={<WarningIcon />} title="What is shown here is out of date">
      It was read <Moment iso={new Date(updatedAtMs).toISOString()} />. {error.message} The console keeps
      trying.
    </Alert>
  );
}

function Loading() {
  return (
    <Stack gap="sm" component="output" aria-label="Reading the primaries">
      <Skeleton height={36} maw="26rem" />
      {[0, 1, 2, 3].map((line) => (
        <Skeleton key={line} height={48} />
      ))}
    </Stack>
  );
}
