import { createRoute, z } from "@hono/zod-openapi";
import type { Oidc } from "../access/oidc.ts";
import type { Refusals } from "../access/refusals.ts";
import type { SignIn } from "../access/sign-in.ts";
import type { Throttle } from "../access/throttle.ts";
import { HubError } from "../errors.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import { setSessionCookie } from "./session-cookie.ts";
import { notSignedInPage, signedInPage } from "./sign-in-pages.ts";
import { oidcCallbackPath, oidcStartPath } from "./session-routes.ts";

/** What the routes need. */
export interface OidcRoutesOptions {
  /** Undefined when there is no provider. */
  oidc: Oidc | undefined;
  signIn: Pick<SignIn, "admit">;
  refusals: Pick<Refusals, "note">;
  /** Failed sign-ins by address: each makes the hub ask the provider. */
  oidcThrottle: Throttle;
  sessionMaxAgeS: number;
}

const pendingCookie = "__Host-sallyport-oidc";
/** How long somebody may take at the provider, seconds. */
const pendingMaxAgeS = 600;
// Lax, since the way back is a link from another site.
const attributes = "Path=/; HttpOnly; Secure; SameSite=Lax";
const endPendingCookie = `${pendingCookie}=; Max-Age=0; ${attributes}`;

const html = { "text/html": { schema: z.string() } };
const page = (description: string) => ({ description, content: html });
const start = createRoute({
  method: "get",
  path: oidcStartPath,
  security: [],
  responses: {
    302: { description: "To the OpenID provider" },
    429: page("Too many failed tries"),
    503: page("The provider can't be asked"),
    ...problemResponses,
  },
});
const callback = createRoute({
  method: "get",
  path: oidcCallbackPath,
  security: [],
  responses: {
    200: page("Signed in; the page leads to the console"),
    401: page("Not signed in"),
    403: page("Known to the provider, but without a role here"),
    429: page("Too many failed tries"),
    503: page("The provider can't be asked"),
    ...problemResponses,
  },
});

/** Adds signing in by an OpenID provider: there, and back. People see these, so failures are pages too. */
export function addOidcRoutes(app: ApiApp, options: OidcRoutesOptions): void {
  const { oidc, signIn, refusals, oidcThrottle, sessionMaxAgeS } = options;
  if (oidc === undefined) return;
  app.openapi(start, async (c) => {
    try {
      requirePatience(oidcThrottle, c.var.remoteAddress);
      const { url, pending } = await oidc.begin();
      c.header("Set-Cookie", `${pendingCookie}=${pending}; Max-Age=${pendingMaxAgeS}; ${attributes}`);
      c.header("Referrer-Policy", "no-referrer");
      return c.redirect(url, 302);
    } catch (error) {
      return notSignedInPage(error, endPendingCookie);
    }
  });
  app.openapi(callback, async (c) => {
    const { remoteAddress, requestId } = c.var;
    const action = `GET ${oidcCallbackPath}`;
    try {
      requirePatience(oidcThrottle, remoteAddress);
      oidcThrottle.fail(remoteAddress);
      const search = new URL(c.req.url).search;
      const caller = await oidc.finish(search, pendingOf(c.req.header("cookie")));
      oidcThrottle.forgive(remoteAddress);
      const owner = { kind: "oidc", id: caller.id, caller } as const;
      const id = await signIn.admit(caller, owner, action, { remoteAddress, requestId });
      return signedInPage([setSessionCookie(id, sessionMaxAgeS), endPendingCookie]);
    } catch (error) {
      const code = error instanceof HubError ? error.code : "internal";
      if (code === "internal") c.var.log.error({ err: error }, "request.failed");
      if (code === "unauthenticated" || code === "forbidden") {
        refusals.note({ from: remoteAddress, action, target: "/session", requestId }, code);
      }
      return notSignedInPage(error, endPendingCookie);
    }
  });
}

/** @throws HubError `throttled` */
function requirePatience(throttle: Throttle, remoteAddress: string): void {
  const retryAfterS = throttle.waitS(remoteAddress);
  if (retryAfterS === 0) return;
  throw new HubError("throttled", `too many failed tries; try again in ${retryAfterS} s`, { retryAfterS });
}

function pendingOf(cookies = ""): string | undefined {
  const pair = cookies.split(";").find((text) => text.trim().startsWith(`${pendingCookie}=`));
  return pair?.trim().slice(pendingCookie.length + 1);
}
