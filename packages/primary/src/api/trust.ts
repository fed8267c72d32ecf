import { X509Certificate } from "node:crypto";
import { Hono } from "hono";
import type { Clock } from "../clock.ts";
import { PrimaryError } from "../errors.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { answerType, formatVersion, newestVersion } from "./media-type.ts";

/** What a client needs to trust the primary before it can log in. */
export interface TrustOptions {
  clock: Clock;
  primaryName: string;
  /** The authority of the primary's certificate, PEM; undefined before it listens. */
  authorityPem: () => string | undefined;
}

/** `/security/cacert`, `serverinfo`, `servertime`, `ping`: without a token. */
export function trustRoutes({ clock, primaryName, authorityPem }: TrustOptions): ApiRoutes {
  return new Hono<ApiEnvironment>()
    .get("/security/cacert", (context) => {
      const caCert = authorityPem();
      if (caCert === undefined) throw new PrimaryError("not_found", "the primary does not listen with TLS");
      // Until version 2.0 the texts alone.
      if (context.get("version").major <= 2) return context.json({ webRootCert: caCert, cacert: [caCert] });
      const caCertDetails = describe(caCert);
      return context.json({
        webRootCertificateData: [{ caCertDetails, caCert }],
        caCertificateData: [{ caCertAction: "ADD", caCertDetails, caCert }],
      });
    })
    .get("/security/serverinfo", (context) =>
      context.json({
        serverName: primaryName,
        nbuVersion: `Sallyport (API ${formatVersion(newestVersion)})`,
        masterHostId: primaryName,
        externalCaUsage: false,
        cacpivEnabled: false,
        ssoEnabled: false,
        domainType: "unixpwd",
      }),
    )
    .get("/security/servertime", (context) => {
      const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
      return context.json({ serverTime: clock.nowMs(), timeZoneName: timeZone, timeZoneId: timeZone });
    })
    .get("/security/ping", (context) => {
      // A number is JSON as it is, and a text as well.
      context.header("Content-Type", answerType("json", context.get("version")));
      return context.body(String(clock.nowMs()));
    });
}

function describe(pem: string) {
  const certificate = new X509Certificate(pem);
  const part = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(certificate.subject)?.[1] ?? "";
  return {
    subjectCN: part("CN"),
    subjectOU: part("OU"),
    subjectName: certificate.subject.split("\n").join(", "),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    fingerprint: certificate.fingerprint,
    "sha-256Fingerprint": certificate.fingerprint256,
  };
}
