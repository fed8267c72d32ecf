import { generateKeyPairSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { ensureServerCertificate } from "@sallyport/certificates";
import { readFile } from "node:fs/promises";
import { Provider, type Configuration } from "oidc-provider";
import { temporaryFolder } from "./hub-fixture.ts";

/** The client that the hub of a test is. */
export const oidcClient = { id: "sallyport", secret: "client-secret-of-a-test" };

/** An OpenID provider on loopback over HTTPS, at which everybody is signed in at once as `account`. */
export interface TestProvider extends AsyncDisposable {
  issuer: string;
  /** PEM. */
  ca: string;
  /** Who signs in next; undefined for somebody who says no. */
  account: { sub: string; claims: Record<string, unknown> } | undefined;
  /** Codes and tokens that it gave. */
  readonly issued: string[];
}

/**
 * Starts a provider (`oidc-provider`, a certified implementation).
 * @param redirectUri where it sends people back to
 * @param claimsInIdToken whether the groups are in the ID token; otherwise only in the user info
 */
export async function startProvider(
  redirectUri: () => string,
  claimsInIdToken = true,
): Promise<TestProvider> {
  const folder = await temporaryFolder();
  const { certPem, keyPem, caFile } = await ensureServerCertificate({
    dir: folder.path,
    owner: "provider of a test",
    hostNames: ["127.0.0.1"],
    nowMs: Date.now(),
  });
  let serve: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) =>
    serve?.(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const test: TestProvider = {
    issuer,
    ca: await readFile(caFile, "utf8"),
    account: undefined,
    issued: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
  // Made at the first request: the hub's address is known only then.
  serve = (request, response) => {
    const provider = makeProvider(test, redirectUri(), claimsInIdToken);
    serve = (again, answer) => void serveRequest(provider, test, again, answer);
    serve(request, response);
  };
  return test;
}

function makeProvider(test: TestProvider, redirectUri: string, claimsInIdToken: boolean): Provider {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const configuration: Configuration = {
    clients: [{ client_id: oidcClient.id, client_secret: oidcClient.secret, redirect_uris: [redirectUri] }],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    cookies: { keys: ["a-key-of-a-test"] },
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
    conformIdTokenClaims: !claimsInIdToken,
    ttl: { Interaction: 60, Grant: 60, Session: 60, AccessToken: 60, IdToken: 60, AuthorizationCode: 60 },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => Promise.resolve({ sub: id, ...test.account?.claims }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? "",
        accountId: oidc.session?.accountId ?? "",
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
  };
  const provider = new Provider(test.issuer, configuration);
  provider.on("authorization_code.saved", (code) => test.issued.push(code.jti));
  provider.on("access_token.saved", (token) => test.issued.push(token.jti));
  return provider;
}

async function serveRequest(
  provider: Provider,
  test: TestProvider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url?.startsWith("/interaction/") === true) {
    const { account } = test;
    const result =
      account === undefined
        ? { error: "access_denied" }
        : { login: { accountId: account.sub, remember: false } };
    await provider.interactionFinished(request, response, result);
  } else {
    await provider.callback()(request, response);
  }
}
