import { randomUUID } from "node:crypto";
import type { Clock } from "@sallyport/nbwss";
import type { Logger } from "pino";
import type { Audit } from "../audit/audit.ts";
import { oidcCallbackPath } from "../api/session-routes.ts";
import type { HubLimits } from "../config/limits.ts";
import type { HubState } from "../state.ts";
import { Access } from "./access.ts";
import { Administrators } from "./administrators.ts";
import { ApiKeyUsage } from "./api-key-usage.ts";
import { ApiKeys } from "./api-keys.ts";
import { Oidc, type OidcOptions } from "./oidc.ts";
import { PasswordCheck } from "./password-check.ts";
import { Passwords } from "./passwords.ts";
import { Refusals } from "./refusals.ts";
import { throttleKeyOf, type RemoteAddressOf } from "./remote-address.ts";
import { Sessions } from "./sessions.ts";
import { SignIn } from "./sign-in.ts";
import { Throttle } from "./throttle.ts";
import { Users } from "./users.ts";

/** What the parts of access are made of. */
export interface AccessPartsOptions {
  limits: HubLimits;
  clock: Clock;
  logger: Logger;
  state: Pick<HubState, "apiKeys" | "users" | "primaries" | "views" | "recorder">;
  audit: Audit;
  remoteAddressOf: RemoteAddressOf;
  /** Where the hub is reached from outside. */
  publicUrl: () => URL;
  /** The OpenID provider that users of the console sign in with. */
  oidc: OidcOptions | undefined;
}

/** Who may use the hub, wired. */
export interface AccessParts {
  access: Access;
  apiKeys: ApiKeys;
  apiKeyUsage: ApiKeyUsage;
  users: Users;
  sessions: Sessions;
  signIn: SignIn;
  refusals: Refusals;
  oidc: Oidc | undefined;
  /** Failed sign-ins at the OpenID provider, by address. */
  oidcThrottle: Throttle;
}

/** Makes a throttle by address with the hub's bounds. */
export function addressThrottle(limits: HubLimits, clock: Clock): Throttle {
  return new Throttle({
    maxFailures: limits.maxFailuresPerAddress,
    refillMs: limits.failureRefillMs,
    maxAddresses: limits.maxThrottledAddresses,
    now: () => clock.now(),
    keyOf: throttleKeyOf,
  });
}

/** Wires all that decides who may use the hub. */
export function makeAccessParts(options: AccessPartsOptions): AccessParts {
  const { limits, clock, logger, audit, remoteAddressOf, publicUrl } = options;
  const { recorder, views, primaries, apiKeys: keysView, users: usersView } = options.state;
  const now = () => clock.now();
  const sessions = new Sessions({
    maxSessions: limits.maxSessions,
    maxSessionsPerOwner: limits.maxSessionsPerOwner,
    lifetimeMs: limits.sessionLifetimeMs,
    idleMs: limits.sessionIdleMs,
    now,
  });
  const usage = new ApiKeyUsage({ recorder, logger, intervalMs: limits.apiKeyUseIntervalMs, now });
  const refusals = new Refusals({ audit, logger, now });
  const access = new Access({
    apiKeys: keysView,
    users: usersView,
    primaries,
    sessions,
    throttle: addressThrottle(limits, clock),
    usage,
    refusals,
    remoteAddressOf,
    origin: () => publicUrl().origin,
    now,
  });
  const passwords = new Passwords({
    maxAtOnce: limits.maxPasswordChecks,
    maxWaiting: limits.maxWaitingPasswordChecks,
  });
  const check = new PasswordCheck({
    users: usersView,
    passwords,
    addressThrottle: addressThrottle(limits, clock),
    loginThrottle: new Throttle({
      maxFailures: limits.maxFailuresPerLogin,
      refillMs: limits.loginFailureRefillMs,
      maxAddresses: limits.maxThrottledAddresses,
      now,
    }),
  });
  const administrators = new Administrators({ apiKeys: keysView, users: usersView });
  const shared = { administrators, views, recorder, sessions, newId: randomUUID, now };
  const { maxApiKeys, maxUsers } = limits;
  const apiKeys = new ApiKeys({ ...shared, apiKeys: keysView, usage, maxApiKeys });
  const users = new Users({ ...shared, users: usersView, passwords, check, maxUsers });
  const signIn = new SignIn({ access, check, users: usersView, sessions, refusals, audit, recorder, logger });
  const oidc =
    options.oidc === undefined
      ? undefined
      : new Oidc(options.oidc, {
          logger,
          callbackUrl: () => new URL(oidcCallbackPath, publicUrl()),
          now,
          requestTimeoutMs: limits.oidcRequestTimeoutMs,
          discoveryMs: limits.oidcDiscoveryMs,
        });
  const oidcThrottle = addressThrottle(limits, clock);
  return { access, apiKeys, apiKeyUsage: usage, users, sessions, signIn, refusals, oidc, oidcThrottle };
}
