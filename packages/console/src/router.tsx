import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter as createTanStackRouter,
  redirect,
} from "@tanstack/react-router";
import { sessionQuery } from "./api/session.ts";
import { Frame } from "./components/frame.tsx";
import { AlertsPage } from "./routes/alerts.tsx";
import { ApiKeysPage } from "./routes/api-keys.tsx";
import { AuditPage } from "./routes/audit.tsx";
import { BackupsPage } from "./routes/backups.tsx";
import { EventsPage } from "./routes/events.tsx";
import { ImagesPage } from "./routes/images.tsx";
import { JobsPage } from "./routes/jobs.tsx";
import { OverviewPage } from "./routes/overview.tsx";
import { PrimariesPage } from "./routes/primaries.tsx";
import { PrimaryPage } from "./routes/primary.tsx";
import { UsersPage } from "./routes/users.tsx";
import { WebhookPage } from "./routes/webhook.tsx";
import { WebhooksPage } from "./routes/webhooks.tsx";
import { BrokenPage, UnknownPage } from "./routes/root.tsx";
import { SignInPage } from "./routes/sign-in.tsx";

const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  errorComponent: BrokenPage,
  notFoundComponent: UnknownPage,
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search): { next?: string; ended?: true } => ({
    ...nextPage(search["next"]),
    ...(search["ended"] === true ? { ended: true } : {}),
  }),
  component: SignInPage,
});

/** Everything below this route is for those who are signed in; others sign in first and then come back. */
const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "signed-in",
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery);
    if (session === null) redirect({ to: "/sign-in", search: nextPage(location.href), throw: true });
  },
  component: Frame,
});

const page = { getParentRoute: () => signedInRoute, validateSearch: textsOf } as const;
const overviewRoute = createRoute({ ...page, path: "/", component: OverviewPage });
const primariesRoute = createRoute({ ...page, path: "/primaries", component: PrimariesPage });
const primaryRoute = createRoute({ ...page, path: "/primaries/$id", component: PrimaryPage });
const jobsRoute = createRoute({ ...page, path: "/jobs", component: JobsPage });
const imagesRoute = createRoute({ ...page, path: "/images", component: ImagesPage });
const backupsRoute = createRoute({ ...page, path: "/backups", component: BackupsPage });
const eventsRoute = createRoute({ ...page, path: "/events", component: EventsPage });
const alertsRoute = createRoute({ ...page, path: "/alerts", component: AlertsPage });
const webhooksRoute = createRoute({ ...page, path: "/webhooks", component: WebhooksPage });
const webhookRoute = createRoute({ ...page, path: "/webhooks/$id", component: WebhookPage });
const usersRoute = createRoute({ ...page, path: "/users", component: UsersPage });
const apiKeysRoute = createRoute({ ...page, path: "/api-keys", component: ApiKeysPage });
const auditRoute = createRoute({ ...page, path: "/audit", component: AuditPage });

const routeTree = rootRoute.addChildren([
  signInRoute,
  signedInRoute.addChildren([
    overviewRoute,
    primariesRoute,
    primaryRoute,
    jobsRoute,
    imagesRoute,
    backupsRoute,
    eventsRoute,
    alertsRoute,
    webhooksRoute,
    webhookRoute,
    usersRoute,
    apiKeysRoute,
    auditRoute,
  ]),
]);

/** The filters of a list, which stand in its address: texts, and nothing else. */
function textsOf(search: Record<string, unknown>): Record<string, string> {
  const texts = Object.entries(search).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" || typeof value === "number" ? [[name, String(value)]] : [],
  );
  return Object.fromEntries(texts);
}

/** Where to go after signing in: a page of the console, never an address elsewhere. */
export function nextPage(next: unknown): { next?: string } {
  if (typeof next !== "string" || next === "/" || !/^\/[^/\\]/.test(next)) return {};
  return { next };
}

/** The console's routes, in a router. */
export function createRouter(queryClient: QueryClient) {
  return createTanStackRouter({ routeTree, context: { queryClient } });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createRouter>;
  }
}
