import type { JobSummary } from "@sallyport/hub";
import { Anchor, ColorSwatch, Group, Paper, Progress, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { alertsQuery } from "../api/alerts.ts";
import { jobSummaryQuery, withoutBackupQuery } from "../api/fleet.ts";
import { primariesQuery } from "../api/primaries.ts";
import { Failure } from "../components/failure.tsx";
import { Page } from "../components/page.tsx";
import { StatusBadge, type Standing } from "../components/status-badge.tsx";

/** How the fleet does, at a glance; each figure leads to what is behind it. */
export function OverviewPage() {
  const primaries = useQuery(primariesQuery);
  const summary = useQuery(jobSummaryQuery);
  const alerts = useInfiniteQuery(alertsQuery({ state: "open" }));
  const without = useInfiniteQuery(withoutBackupQuery("26"));
  const connected = primaries.data?.filter(({ connection }) => connection.state === "connected").length;
  const openAlerts = alerts.data?.pages.flatMap(({ data }) => data).length;
  const withoutBackup = without.data?.pages.flatMap(({ data }) => data).length;
  const failure = primaries.error ?? summary.error ?? alerts.error ?? without.error;
  return (
    <Page title="Overview">
      <Stack gap="lg">
        {failure === null ? null : <Failure title="Some of this could not be read" error={failure} />}
        <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }}>
          <Figure
            label="Primaries connected"
            value={connected === undefined ? "…" : `${connected} of ${primaries.data?.length ?? 0}`}
            standing={standingOf(connected, (count) => count === primaries.data?.length)}
            to="/primaries"
          />
          <Figure
            label="Open alerts"
            value={openAlerts === undefined ? "…" : String(openAlerts)}
            standing={standingOf(openAlerts, (count) => count === 0)}
            to="/alerts"
          />
          <Figure
            label="Without a good backup for 26 h"
            value={withoutBackup === undefined ? "…" : String(withoutBackup)}
            standing={standingOf(withoutBackup, (count) => count === 0)}
            to="/backups"
          />
          <Figure
            label="Jobs failed in 24 h"
            value={summary.data === undefined ? "…" : String(summary.data.total.failed)}
            standing={standingOf(summary.data?.total.failed, (count) => count === 0)}
            to="/jobs"
            search={{ status: "failed" }}
          />
        </SimpleGrid>
        {summary.data === undefined ? null : <Jobs total={summary.data.total} />}
      </Stack>
    </Page>
  );
}

function standingOf(value: number | undefined, isGood: (value: number) => boolean): Standing {
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
