import { rootCertificates } from "node:tls";
import * as client from "openid-client";
import type { Logger } from "pino";
import { Agent, fetch } from "undici";
import { HubError } from "../errors.ts";
import { callerOfClaims, hasRoleClaim, oidcId, type Claims, type RoleMapping } from "./oidc-claims.ts";
import type { Caller } from "./roles.ts";

/** The OpenID provider that users of the console sign in with. */
export interface OidcOptions extends Partial<Pick<RoleMapping, "roleClaim" | "defaultRole">> {
  /** `https://…`, as the provider writes it. */
  issuer: string;
  clientId: string;
  /** Without it the hub is a public client, with PKCE alone. */
  clientSecret?: string | undefined;
  /** PEM of the authority of the issuer's certificate, beside those that Node trusts. */
  ca?: string | undefined;
  /** What the button of the console says. */
  label?: string | undefined;
  /** What is asked for beside `openid`; `profile` and `email` unless said. */
  scopes?: readonly string[] | undefined;
  roles: RoleMapping["roles"];
}

/** What signing in by OpenID Connect needs. */
export interface OidcContext {
  logger: Logger;
  /** Where the provider sends people back to. */
  callbackUrl: () => URL;
  /** Epoch ms. */
  now: () => number;
  /** How long one request to the provider may take, ms. */
  requestTimeoutMs: number;
  /** How long what the provider says of itself counts, ms. */
  discoveryMs: number;
}

/** A sign-in that was begun. */
export interface BegunSignIn {
  /** Where the browser goes. */
  url: string;
  /** What the browser keeps until it is back. */
  pending: string;
}

/** Largest answer of the provider, bytes; a larger one is a failure. */
const maxAnswerBytes = 1024 * 1024;

/**
 * Signs people in by an OpenID provider: authorization code with PKCE, state and nonce; the ID token's signature is checked. Nothing of it is
 * kept here: what ties the two halves together is in a cookie of the browser that began.
 */
export class Oidc implements AsyncDisposable {
  readonly label: string;
  readonly #options: OidcOptions;
  readonly #mapping: RoleMapping;
  readonly #context: OidcContext;
  readonly #agent: Agent;
  #discovered: { atMs: number; configuration: Promise<client.Configuration> } | undefined;

  /** @throws HubError `bad_option` when nobody could sign in that way */
  constructor(options: OidcOptions, context: OidcContext) {
    const { issuer, roles, defaultRole, roleClaim = "groups" } = options;
    if (!URL.canParse(issuer) || new URL(issuer).protocol !== "https:") {
      throw new HubError("bad_option", "the OpenID issuer has to be an https:// URL");
    }
    if (Object.keys(roles).length === 0 && defaultRole === undefined) {
      throw new HubError(
        "bad_option",
        "nobody could sign in by OpenID Connect: map claims to roles, or set a default role",
      );
    }
    this.label = options.label ?? new URL(issuer).host;
    this.#options = options;
    this.#mapping = { roleClaim, roles, defaultRole };
    this.#context = context;
    const { ca } = options;
    this.#agent = new Agent({
      maxResponseSize: maxAnswerBytes,
      ...(ca === undefined ? {} : { connect: { ca: [...rootCertificates, ca] } }),
    });
  }

  /** @throws HubError `issuer_unavailable` */
  async begin(): Promise<BegunSignIn> {
    const configuration = await this.#discover();
    const [state, nonce, verifier] = [
      client.randomState(),
      client.randomNonce(),
      client.randomPKCECodeVerifier(),
    ];
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#context.callbackUrl().href,
      scope: [...new Set(["openid", ...(this.#options.scopes ?? ["profile", "email"])])].join(" "),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
    return { url: url.href, pending: [state, nonce, verifier].join(".") };
  }

  /**
   * Ends a sign-in.
   * @param search the query that the browser came back with
   * @param pending what it kept
   * @throws HubError `unauthenticated` when it did not begin here or the provider says no, `forbidden` for somebody without a role,
   *   `issuer_unavailable`
   */
  async finish(search: string, pending: string | undefined): Promise<Caller> {
    const [state, nonce, verifier, ...rest] = (pending ?? "").split(".");
    if (!state || !nonce || !verifier || rest.length > 0) {
      const message = "this sign-in was not begun in this browser, or too long ago; begin again";
      throw new HubError("unauthenticated", message);
    }
    const configuration = await this.#discover();
    const url = this.#context.callbackUrl();
    url.search = search;
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    };
    const { subject, claims } = await this.#attempt("sign-in", async () => {
      const tokens = await client.authorizationCodeGrant(configuration, url, checks);
      const idToken = tokens.claims();
      if (idToken === undefined) throw new TypeError("the provider gave no ID token");
      return {
        subject: idToken.sub,
        claims: await this.#withUserInfo(configuration, tokens.access_token, idToken),
      };
    });
    const { issuer } = this.#options;
    const caller = callerOfClaims(issuer, subject, claims, this.#mapping);
    if (caller !== undefined) return caller;
    this.#context.logger.warn({ user: oidcId(issuer, subject) }, "oidc.no_role");
    const message = `you are known to ${this.label}, but have no role here; ask an administrator of the hub`;
    throw new HubError("forbidden", message);
  }

  /** Closes the connections to the provider. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Many providers say who is in which group only when asked with the access token. */
  async #withUserInfo(
    configuration: client.Configuration,
    accessToken: string,
    idToken: client.IDToken,
  ): Promise<Claims> {
    const canAsk = configuration.serverMetadata().userinfo_endpoint !== undefined;
    if (hasRoleClaim(idToken, this.#mapping) || !canAsk) return idToken;
    return { ...(await client.fetchUserInfo(configuration, accessToken, idToken.sub)), ...idToken };
  }

  async #discover(): Promise<client.Configuration> {
    const { now, discoveryMs } = this.#context;
    if (this.#discovered === undefined || now() - this.#discovered.atMs >= discoveryMs) {
      const discovered = { atMs: now(), configuration: this.#attempt("discovery", () => this.#ask()) };
      this.#discovered = discovered;
      discovered.configuration.catch(() => {
        // Whoever waits for it is told; the next one asks again.
        if (this.#discovered === discovered) this.#discovered = undefined;
      });
    }
    return this.#discovered.configuration;
  }

  #ask(): Promise<client.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const customFetch: client.CustomFetch = async (url, { body, ...options }) => {
      // The library's body is a subset of what undici takes; both responses are those of the Fetch standard.
      const request = {
        ...options,
        body: body as string | URLSearchParams | null | undefined,
        dispatcher: this.#agent,
      };
      return await fetch(url, request as Parameters<typeof fetch>[1]);
    };
    return client.discovery(new URL(issuer), clientId, undefined, authenticationWith(clientSecret), {
      execute: [client.enableNonRepudiationChecks],
      timeout: Math.ceil(this.#context.requestTimeoutMs / 1000),
      [client.customFetch]: customFetch,
    });
  }

  /** Tells the user's refusals from the provider's failures, and logs them without codes and tokens. */
  async #attempt<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      const reason = reasonOf(cause);
      this.#context.logger.warn({ what, reason }, "oidc.failed");
      // The browser came with it: the provider or the user said no, or somebody made it up.
      if (cause instanceof client.AuthorizationResponseError || isOfBrowser(cause)) {
        throw new HubError("unauthenticated", `${this.label} did not sign you in; begin again`, { cause });
      }
      const message = `${this.label} can't be asked who you are; the hub's log says why`;
      throw new HubError("issuer_unavailable", message, { cause, retryAfterS: 5 });
    }
  }
}

/** As the provider wants the secret: `client_secret_basic` is the standard's default. */
function authenticationWith(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None();
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    (methods.includes("client_secret_basic") ? basic : post)(server, ...rest);
  };
}

/** Codes of the library for an answer in the browser's address that does not fit what was begun. */
const browserCodes = new Set(["OAUTH_INVALID_RESPONSE", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"]);

/** A code that was used already or is made up ends as `invalid_grant`. */
function isOfBrowser(error: unknown): boolean {
  if (error instanceof client.ResponseBodyError) return error.error === "invalid_grant";
  return error instanceof client.ClientError && browserCodes.has(error.code ?? "");
}

/** Messages only: the errors' other members have codes and tokens. */
function reasonOf(error: unknown): string {
  const reasons: string[] = [];
  for (let at = error; at instanceof Error && reasons.length < 4; at = at.cause) {
    const { code } = at as { code?: unknown };
    const said = at instanceof client.ResponseBodyError ? ` (${at.error.slice(0, 64)})` : "";
    reasons.push(`${at.message}${said}${typeof code === "string" ? ` [${code}]` : ""}`);
  }
  return reasons.join(": ").slice(0, 500);
}
