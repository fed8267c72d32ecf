import { z } from "zod";
import type { OidcOptions } from "../access/oidc.ts";
import { roles } from "../access/roles.ts";
import { HubError } from "../errors.ts";
import type { SettingNotes } from "./setting-notes.ts";

const issuerExpected = "has to be the provider's https:// URL";
const mappingExpected = `has to be VALUE=ROLE with one of ${roles.join(", ")}`;
const mapping = /^(.{1,200})=(\w+)$/;
const text = (expected: string) => z.string(expected).min(1, expected);
const file = () =>
  text("has to be the path of a file").meta({ placeholder: "file", isPath: true } satisfies SettingNotes);

/** The settings of signing in by an OpenID provider. */
export const oidcSettingsSchema = z
  .strictObject({
    issuer: z
      .string(issuerExpected)
      .refine((value) => URL.canParse(value) && new URL(value).protocol === "https:", issuerExpected)
      .meta({ placeholder: "url" } satisfies SettingNotes)
      .optional()
      .describe("OpenID provider that users of the console sign in with"),
    clientId: text("has to be the hub's client id at the provider")
      .optional()
      .describe("the hub's client id there; its redirect URI is PUBLIC-URL/api/v1/session/oidc/callback"),
    clientSecretFile: file().optional().describe("file with the client secret; without it PKCE alone"),
    caFile: file().optional().describe("authority of the provider's certificate, PEM"),
    label: text("has to be a text")
      .optional()
      .describe("what the sign-in button says; the provider's name unless set"),
    scopes: z
      .array(text("has to be a list of scopes"))
      .max(20)
      .default(["profile", "email"])
      .describe("what is asked for beside openid"),
    roleClaim: text("has to be the name of a claim, or a path to one")
      .default("groups")
      .describe("claim with the roles; a path such as realm_access.roles reaches into objects"),
    roles: z
      .array(z.string(mappingExpected).refine(isMapping, mappingExpected), "has to be a list of VALUE=ROLE")
      .max(200)
      .meta({ placeholder: "value=role,…" } satisfies SettingNotes)
      .default([])
      .describe("which value of the claim stands for which role of the hub"),
    defaultRole: z
      .enum(roles, `has to be one of ${roles.join(", ")}`)
      .meta({ placeholder: "role" } satisfies SettingNotes)
      .optional()
      .describe("role of those without such a value; without it they don't get in"),
  })
  .refine(
    ({ issuer, clientId }) => (issuer === undefined) === (clientId === undefined),
    "(--oidc-issuer and --oidc-client-id) belong together",
  )
  .refine(
    ({ issuer, roles: list, defaultRole }) =>
      issuer === undefined || list.length > 0 || defaultRole !== undefined,
    "(--oidc-roles or --oidc-default-role) is needed: nobody would get in",
  )
  .prefault({});

/** The settings of signing in by an OpenID provider, checked. */
export type OidcSettings = z.infer<typeof oidcSettingsSchema>;

/**
 * Makes the options of a hub from its settings; undefined when there is no provider.
 * @param files what the files of the settings hold
 */
export function toOidcOptions(
  settings: OidcSettings,
  files: { clientSecret: string | undefined; ca: string | undefined },
): OidcOptions | undefined {
  const { issuer, clientId, label, scopes, roleClaim, roles: list, defaultRole } = settings;
  if (issuer === undefined || clientId === undefined) return undefined;
  const mapped = Object.fromEntries(list.map(toMapping));
  return { issuer, clientId, label, scopes, roleClaim, roles: mapped, defaultRole, ...files };
}

function isMapping(value: string): boolean {
  const [, , role] = mapping.exec(value) ?? [];
  return roles.some((known) => known === role);
}

function toMapping(value: string): [string, (typeof roles)[number]] {
  const [, claimed = "", name] = mapping.exec(value) ?? [];
  const role = roles.find((known) => known === name);
  if (role === undefined) throw new HubError("bad_option", mappingExpected);
  return [claimed, role];
}
