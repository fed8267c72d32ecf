import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter as createTanStackRouter,
  redirect,
} from "@tanstack/react-router";
import { sessionQuery } from "./api/session.ts";
import { Frame } from "./components/frame.tsx";
import { PrimariesPage } from "./routes/primaries.tsx";
import { BrokenPage, UnknownPage } from "./routes/root.tsx";
import { SignInPage } from "./routes/sign-in.tsx";

const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  errorComponent: BrokenPage,
  notFoundComponent: UnknownPage,
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search): { next?: string } => nextPage(search["next"]),
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

const firstRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/",
  beforeLoad: () => {
    redirect({ to: "/primaries", replace: true, throw: true });
  },
});

const primariesRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/primaries",
  component: PrimariesPage,
});

const routeTree = rootRoute.addChildren([
  signInRoute,
  signedInRoute.addChildren([firstRoute, primariesRoute]),
]);

/** Where to go after signing in: a page of the console, never an address elsewhere. */
function nextPage(next: unknown): { next?: string } {
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
