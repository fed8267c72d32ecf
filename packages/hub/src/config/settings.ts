import { isIP } from "node:net";
import { z } from "zod";
import { isNetwork } from "../access/remote-address.ts";
import { oidcSettingsSchema } from "./oidc-settings.ts";
import type { SettingNotes } from "./setting-notes.ts";
import { defaultHubLimits, type HubLimits } from "./limits.ts";

const listenPattern = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/;
const text = (expected: string) => z.string(expected).min(1, expected);
const path = (placeholder: "file" | "dir", expected = `has to be the path of a ${placeholder}`) =>
  text(expected).meta({ placeholder, isPath: true } satisfies SettingNotes);
const addressExpected = "has to be HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443";
const address = () =>
  z
    .string(addressExpected)
    .refine((value) => parseAddress(value) !== undefined, addressExpected)
    .meta({ placeholder: "host:port" } satisfies SettingNotes);
const networkExpected = "has to be an address or a network, such as 192.0.2.7 or 10.0.0.0/8";
const networks = () =>
  z
    .array(
      z.string(networkExpected).refine(isNetwork, networkExpected),
      "has to be a list of addresses or networks",
    )
    .max(64)
    .meta({ placeholder: "network,…" } satisfies SettingNotes)
    .default([]);
const urlExpected = "has to be https://HOST[:PORT] without a path";
const protocols = ["sallyport.v1", "nbwss-1.0"] as const;
const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** Every bound of the hub, as a setting; what each means stands in `limits.ts`. */
const limitShape = Object.fromEntries(
  Object.entries(defaultHubLimits).map(([name, value]) => [name, limitSchema(value)]),
) as { [Name in keyof HubLimits]: z.ZodDefault<z.ZodInt> };

/**
 * All settings of `sallyport hub`. It checks them, makes their type, names their flags, variables and keys, and is what
 * `docs/configuration.md` shows. A secret is never a value here: a setting names the file that holds it.
 */
export const hubSettingsSchema = z.strictObject({
  data: path("dir", "has to name the folder for the hub's log, views and certificates").describe(
    "folder for the hub's log, views and certificates",
  ),
  listen: address().default("127.0.0.1:8443").describe("where to listen"),
  publicUrl: z
    .string(urlExpected)
    .refine(isHttpsOrigin, urlExpected)
    .meta({ placeholder: "url" } satisfies SettingNotes)
    .optional()
    .describe("how primaries and users reach the hub, when that differs"),
  moreUrls: z
    .array(
      z.string(urlExpected).refine(isHttpsOrigin, urlExpected),
      "has to be a list of https://HOST[:PORT]",
    )
    .max(16)
    .meta({ placeholder: "url,…" } satisfies SettingNotes)
    .default([])
    .describe("further addresses of the hub, for endpoint details beside those of the public URL"),
  trustedProxies: networks().describe(
    "proxies in front of the hub, such as 10.0.0.0/8; only their X-Forwarded-For is believed",
  ),
  protocol: z
    .enum(protocols, `has to be one of ${protocols.join(", ")}`)
    .meta({ placeholder: "name" } satisfies SettingNotes)
    .default("sallyport.v1")
    .describe(
      "the most that is spoken with primaries: sallyport.v1 with those that offer it, or nbwss-1.0 with all",
    ),
  oidc: oidcSettingsSchema,
  webhooks: z
    .strictObject({
      allowedNetworks: networks().describe(
        "networks that webhooks may go to although they are not public, such as 10.20.0.0/16",
      ),
      caFile: path("file").optional().describe("further authority of receivers' certificates, PEM"),
    })
    .prefault({}),
  tls: z
    .strictObject({
      cert: path("file").optional().describe("server certificate, PEM; without it the hub makes its own"),
      key: path("file").optional().describe("its private key, PEM"),
    })
    .refine(
      ({ cert, key }) => (cert === undefined) === (key === undefined),
      "(--tls-cert and --tls-key) belong together",
    )
    .prefault({}),
  adminKeyFile: path("file")
    .optional()
    .describe("file with the first administrator's API key (or the key itself in SALLYPORT_ADMIN_KEY)"),
  credentialKeyFile: path("file")
    .optional()
    .describe(
      "file with the key that seals stored credentials and the like (otherwise credentials.key in the data folder); made when missing",
    ),
  logLevel: z
    .enum(logLevels, `has to be one of ${logLevels.join(", ")}`)
    .meta({ placeholder: "level" } satisfies SettingNotes)
    .default("info")
    .describe(`how much is logged: ${logLevels.join(", ")}`),
  metricsListen: address()
    .refine((value) => isLoopback(parseAddress(value)?.host ?? ""), "has to be a loopback address")
    .optional()
    .describe("loopback address that also serves /metrics, over plain HTTP and without a key"),
  limits: z.strictObject(limitShape).prefault({}),
});

/** All settings of a hub, checked. */
export type HubSettings = z.infer<typeof hubSettingsSchema>;

/** Reads `HOST:PORT`, with an IPv6 address in brackets; undefined when it is something else. */
export function parseAddress(value: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port] = listenPattern.exec(value) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

function limitSchema(value: number): z.ZodDefault<z.ZodInt> {
  return z.int("has to be a whole number").min(0, "has to be 0 or more").default(value);
}

function isHttpsOrigin(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url?.protocol === "https:" && url.href === `${url.origin}/`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
