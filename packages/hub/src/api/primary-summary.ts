import type { Registry } from "../connections/registry.ts";
import { gapAdvice, gapText } from "../inbox/gap-text.ts";
import { endpointUrl, type PublicAddresses } from "../enrolment/public-addresses.ts";
import type { PrimaryRecord } from "../views/primaries.ts";
import type { PrimaryTokensView, TokenRecord } from "../views/primary-tokens.ts";
import type { GapRecord, TimelineView } from "../views/timeline.ts";
import type { WarningsView } from "../views/warnings.ts";
import type { PrimarySummary, PrimaryToken } from "./primaries-schemas.ts";

/** Where the parts of a summary come from. */
export interface SummarySources {
  registry: Pick<Registry, "summaryOf" | "stateIn" | "userOf">;
  tokens: Pick<PrimaryTokensView, "endpointsOf">;
  timeline: Pick<TimelineView, "lastUse" | "lastGap">;
  warnings: Pick<WarningsView, "listOf">;
  addresses: PublicAddresses;
}

const sharedAdvice =
  "Two seem to use one token. Give each primary endpoint details of its own, then rotate this token (POST /primaries/{id}/token, overlapMs 0); acknowledge it if it was one primary whose network changed.";

/** A primary as the API shows it: what the log says, with how it stands at this moment. */
export function toPrimarySummary(primary: PrimaryRecord, sources: SummarySources): PrimarySummary {
  const { registry, tokens, timeline, warnings, addresses } = sources;
  const { id, name, labels, groupId, priority, createdAt, dialect } = primary;
  const endpoints = tokens.endpointsOf(id).map((endpoint) => ({
    groupId: endpoint.groupId,
    priority: endpoint.priority,
    url: endpointUrl(addresses.of(endpoint.address)),
    state: registry.stateIn(id, endpoint.groupId),
  }));
  return {
    id,
    name,
    labels,
    groupId,
    priority,
    createdAt,
    connection: registry.summaryOf(primary),
    endpoints,
    dialect,
    lastGap: toNotificationGap(timeline.lastGap(id)),
    warnings: warnings.listOf(id).map((warning) => ({ ...warning, advice: sharedAdvice })),
  };
}

function toNotificationGap(gap: GapRecord | undefined): PrimarySummary["lastGap"] {
  if (gap === undefined) return null;
  const { groupId, count, since, until, reason } = gap.data;
  const facts = { groupId, count, since, until, reason };
  return { time: gap.time, ...facts, message: gapText(facts), advice: gapAdvice(facts) };
}

/** A token as the API shows it. */
export function toPrimaryToken(token: TokenRecord, sources: SummarySources): PrimaryToken {
  const user = sources.registry.userOf(token.id);
  const last = sources.timeline.lastUse(token.id);
  return {
    id: token.id,
    groupId: token.groupId,
    priority: token.priority,
    url: endpointUrl(sources.addresses.of(token.address)),
    createdAt: token.createdAt,
    expiresAt: token.expiresAt,
    lastUsedAt: user === undefined ? (last?.at ?? null) : new Date(user.lastSeenAtMs).toISOString(),
    lastUsedFrom: user?.remoteAddress ?? last?.remoteAddress ?? null,
  };
}
