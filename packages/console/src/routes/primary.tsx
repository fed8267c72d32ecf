import type { PrimarySummary } from "@sallyport/hub";
import { Anchor, Code, DataList as Facts, Group, Stack, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { primaryQuery } from "../api/primary.ts";
import { ConnectionBadge } from "../components/connection-badge.tsx";
import { Failure } from "../components/failure.tsx";
import { Labels } from "../components/labels.tsx";
import { Moment } from "../components/moment.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryActions } from "../components/primary-actions.tsx";
import { PrimaryCommands } from "../components/primary-commands.tsx";
import { PrimaryTimeline } from "../components/primary-timeline.tsx";
import { PrimaryTokens } from "../components/primary-tokens.tsx";
import { PrimaryWarnings } from "../components/primary-warnings.tsx";
import { StatusBadge } from "../components/status-badge.tsx";
import { useAccess } from "../use-access.ts";

const route = getRouteApi("/signed-in/primaries/$id");

/** One primary: its connection and what became of the earlier ones, its tokens, the commands that wait for it. */
export function PrimaryPage() {
  const { id } = route.useParams();
  const primary = useQuery(primaryQuery(id));
  return (
    <Page title={primary.data?.name ?? "Primary"} parent={{ to: "/primaries", label: "Primaries" }}>
      {primary.isError ? (
        <Failure
          title={
            primary.data === undefined ? "The primary could not be read" : "What is shown here is out of date"
          }
          error={primary.error}
          onRetry={() => void primary.refetch()}
          retrying={primary.isFetching}
        />
      ) : null}
      {primary.data === undefined ? null : <Shown primary={primary.data} />}
    </Page>
  );
}

function Shown({ primary }: { primary: PrimarySummary }) {
  const { may } = useAccess();
  const { id, name, labels, connection } = primary;
  return (
    <Stack gap="md">
      <Group gap="sm">
        <ConnectionBadge state={connection.state} />
        <Text size="sm" c="dimmed">
          last seen <Moment iso={connection.lastSeenAt} missing="never" />
        </Text>
        <Labels labels={labels} />
      </Group>
      <PrimaryWarnings primary={primary} />
      <KeyFacts primary={primary} />
      {may("administrator") ? <PrimaryActions primary={primary} /> : null}
      <Group gap="md" component="nav" aria-label={`More of ${name}`}>
        <Anchor size="sm" renderRoot={(props) => <Link to="/jobs" search={{ primary: id }} {...props} />}>
          Its jobs
        </Anchor>
        <Anchor size="sm" renderRoot={(props) => <Link to="/images" search={{ primary: id }} {...props} />}>
          Its images
        </Anchor>
        <Anchor size="sm" renderRoot={(props) => <Link to="/backups" search={{ primary: id }} {...props} />}>
          Its last good backups
        </Anchor>
      </Group>
      <Tabs defaultValue="timeline" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="timeline">Connections</Tabs.Tab>
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
          <Tabs.Tab value="commands">Commands</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="timeline" pt="md">
          <PrimaryTimeline id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="tokens" pt="md">
          <PrimaryTokens id={id} name={name} />
        </Tabs.Panel>
        <Tabs.Panel value="commands" pt="md">
          <PrimaryCommands id={id} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function KeyFacts({
  primary: { id, createdAt, connection, endpoints, lastGap },
}: {
  primary: PrimarySummary;
}) {
  return (
    <Facts size="sm" gap="xs" labelWidth="6.5rem">
      <Facts.Item>
        <Facts.ItemLabel>Id</Facts.ItemLabel>
        <Facts.ItemValue className="card-value">
          <Code>{id}</Code>
        </Facts.ItemValue>
      </Facts.Item>
      <Facts.Item>
        <Facts.ItemLabel>Enrolled</Facts.ItemLabel>
        <Facts.ItemValue>
          <Moment iso={createdAt} />
        </Facts.ItemValue>
      </Facts.Item>
      <Facts.Item>
        <Facts.ItemLabel>Address</Facts.ItemLabel>
        <Facts.ItemValue>{connection.remoteAddress ?? "–"}</Facts.ItemValue>
      </Facts.Item>
      {connection.closeCode === null ? null : (
        <Facts.Item>
          <Facts.ItemLabel>Last close</Facts.ItemLabel>
          <Facts.ItemValue className="card-value">
            {connection.closeCode} {connection.closeReason}
          </Facts.ItemValue>
        </Facts.Item>
      )}
      {lastGap === null ? null : (
        <Facts.Item>
          <Facts.ItemLabel>Missing</Facts.ItemLabel>
          <Facts.ItemValue className="card-value">
            <Text size="sm">
              {lastGap.message} (found <Moment iso={lastGap.time} />)
            </Text>
            <Text size="xs" c="dimmed">
              {lastGap.advice}
            </Text>
          </Facts.ItemValue>
        </Facts.Item>
      )}
      {endpoints.map(({ groupId, url, priority, state }) => (
        <Facts.Item key={`${groupId} ${url}`}>
          <Facts.ItemLabel>Endpoint</Facts.ItemLabel>
          <Facts.ItemValue className="card-value">
            <Group gap="xs">
              <Text span size="sm">
                {url}, group {groupId}, priority {priority}
              </Text>
              <StatusBadge standing={state === "connected" ? "good" : "neutral"}>{state}</StatusBadge>
            </Group>
          </Facts.ItemValue>
        </Facts.Item>
      ))}
    </Facts>
  );
}
