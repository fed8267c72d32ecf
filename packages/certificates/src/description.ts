import { X509Certificate } from "node:crypto";

/** What an administrator compares before trusting a certificate. */
export interface CertificateDescription {
  /** One line, such as `CN=hub1.cloud.example, O=Example`. */
  subject: string;
  issuer: string;
  /** Upper-case hex pairs with colons. */
  sha1Fingerprint: string;
  /** Upper-case hex pairs with colons. */
  sha256Fingerprint: string;
  notBefore: Date;
  notAfter: Date;
}

/**
 * Describes a certificate as administration pages show it (NBWSS, validation of an endpoint).
 * @param pem one certificate
 * @throws Error when the text is no certificate
 */
export function describeCertificate(pem: string): CertificateDescription {
  const certificate = new X509Certificate(pem);
  return {
    subject: certificate.subject.split("\n").join(", "),
    issuer: certificate.issuer.split("\n").join(", "),
    sha1Fingerprint: certificate.fingerprint,
    sha256Fingerprint: certificate.fingerprint256,
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  };
}
