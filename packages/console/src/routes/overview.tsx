import type { JobSummary } from "@sallyport/hub";
import {
  Anchor,
  ColorSwatch,
  EmptyState,
  Group,
  Paper,
  Progress,
  SimpleGrid,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { alertsQuery } from "../api/alerts.ts";
import { jobSummaryQuery, withoutBackupQuery } from "../api/fleet.ts";
import type { ListAnswer } from "../api/list.ts";
import { primariesSummaryQuery } from "../api/primaries.ts";
import { Failure } from "../components/failure.tsx";
import { ServerIcon } from "../components/icons.tsx";
import { Page } from "../components/page.tsx";
import { PrimaryLink } from "../components/primary-link.tsx";
import { StatusBadge, type Standing } from "../components/status-badge.tsx";
import { useAccess } from "../use-access.ts";

/** How the fleet does, at a glance; each figure leads to what is behind it. */
export function OverviewPage() {
  const primaries = useQuery(primariesSummaryQuery());
  const summary = useQuery(jobSummaryQuery);
  const alerts = useInfiniteQuery(alertsQuery({ state: "open" }));
  const without = useInfiniteQuery(withoutBackupQuery("26"));
  const fleet = primaries.data;
  const openAlerts = sizeOf(alerts.data?.pages);
  const withoutBackup = sizeOf(without.data?.pages);
  const failure = primaries.error ?? summary.error ?? alerts.error ?? without.error;
  if (fleet?.total === 0) return <FirstSteps />;
  return (
    <Page title="Overview">
      <Stack gap="lg">
        {failure === null ? null : <Failure title="Some of this could not be read" error={failure} />}
        <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
          <Figure
            label="Primaries connected"
            value={fleet === undefined ? "…" : `${fleet.connected} of ${fleet.total}`}
            standing={standingOf(fleet, ({ connected, total }) => connected === total)}
            to="/primaries"
          />
          <Figure
            label="Open alerts"
            value={openAlerts?.text ?? "…"}
            standing={standingOf(openAlerts, ({ least }) => least === 0)}
            to="/alerts"
          />
          <Figure
            label="Without a good backup for 26 h"
            value={withoutBackup?.text ?? "…"}
            standing={standingOf(withoutBackup, ({ least }) => least === 0)}
            to="/backups"
          />
          <Figure
            label="Jobs failed in 24 h"
            value={summary.data === undefined ? "…" : String(summary.data.total.failed)}
            standing={standingOf(summary.data, ({ total }) => total.failed === 0)}
            to="/jobs"
            search={{ status: "failed" }}
          />
        </SimpleGrid>
        {summary.data === undefined ? null : (
          <>
            <Jobs total={summary.data.total} />
            <MostFailed primaries={summary.data.primaries} />
          </>
        )}
      </Stack>
    </Page>
  );
}

/** On a hub that nobody has used yet. */
function FirstSteps() {
  const { may, seesWholeHub } = useAccess();
  return (
    <Page title="Overview">
      <EmptyState
        py="xl"
        icon={<ServerIcon size={40} />}
        title="No primary is enrolled yet"
        description={
          may("administrator") && seesWholeHub
            ? "Enrol a backup server: you get an address that works once, from which it learns where to dial in."
            : "You see primaries here as soon as an administrator has enrolled one that you may see."
        }
      >
        <EmptyState.Actions>
          <Anchor renderRoot={(props) => <Link to="/primaries" {...props} />}>Go to the primaries</Anchor>
        </EmptyState.Actions>
      </EmptyState>
    </Page>
  );
}

/** How long a list is, as far as its first page says. */
function sizeOf(
  pages: readonly ListAnswer<unknown>[] | undefined,
): { least: number; text: string } | undefined {
  const last = pages?.at(-1);
  if (pages === undefined || last === undefined) return undefined;
  const least = pages.reduce((sum, { data }) => sum + data.length, 0);
  return { least, text: last.next === null ? String(least) : `${least} or more` };
}

function standingOf<Value>(value: Value | undefined, isGood: (value: Value) => boolean): Standing {
  if (value === undefined) return "neutral";
  return isGood(value) ? "good" : "warning";
}

interface FigureProps {
  label: string;
  value: string;
  standing: Standing;
  to: "/primaries" | "/alerts" | "/backups" | "/jobs";
  search?: Record<string, string>;
}

const standingTexts: Record<Standing, string> = {
  good: "all well",
  warning: "look",
  bad: "act",
  neutral: "reading",
};

function Figure({ label, value, standing, to, search = {} }: FigureProps) {
  return (
    <Paper withBorder p="md">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        <Anchor size="xl" fw={700} renderRoot={(props) => <Link to={to} search={search} {...props} />}>
          {value}
        </Anchor>
        <StatusBadge standing={standing}>{standingTexts[standing]}</StatusBadge>
      </Stack>
    </Paper>
  );
}

const parts = [
  { key: "ok", label: "ok", color: "green.8" },
  { key: "partial", label: "partial", color: "yellow.8" },
  { key: "failed", label: "failed", color: "red.8" },
  { key: "active", label: "active", color: "cyan.8" },
  { key: "queued", label: "queued", color: "gray.7" },
] as const;

function Jobs({ total }: { total: JobSummary["total"] }) {
  const all = parts.reduce((sum, { key }) => sum + total[key], 0);
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          Jobs of the last 24 hours
        </Title>
        <Progress.Root size="xl">
          {parts.map(({ key, label, color }) => (
            <Progress.Section
              key={key}
              value={all === 0 ? 0 : (100 * total[key]) / all}
              color={color}
              aria-label={`${label}: ${total[key]} of ${all}`}
            />
          ))}
        </Progress.Root>
        <Group gap="lg">
          {parts.map(({ key, label, color }) => (
            <Group key={key} gap="xs">
              <ColorSwatch color={`var(--mantine-color-${color.replace(".", "-")})`} size={12} aria-hidden />
              <Text size="sm">
                {total[key]} {label}
              </Text>
            </Group>
          ))}
        </Group>
      </Stack>
    </Paper>
  );
}

/** Primaries that are named among those with failed jobs. */
const mostFailedShown = 5;

function MostFailed({ primaries }: { primaries: JobSummary["primaries"] }) {
  const failing = primaries.filter(({ failed }) => failed > 0).toSorted((a, b) => b.failed - a.failed);
  if (failing.length === 0) return null;
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          Most failed jobs in 24 hours
        </Title>
        <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: "none" }}>
          {failing.slice(0, mostFailedShown).map(({ primaryId, primaryName, failed, ok, partial }) => (
            <Group key={primaryId} component="li" gap="md" justify="space-between">
              <PrimaryLink id={primaryId} name={primaryName} />
              <Anchor
                size="sm"
                renderRoot={(props) => (
                  <Link to="/jobs" search={{ primary: primaryId, status: "failed" }} {...props} />
                )}
              >
                {failed} of {failed + ok + partial} failed
              </Anchor>
            </Group>
          ))}
        </Stack>
      </Stack>
    </Paper>
  );
}
