export { ensureServerCertificate } from "./server-certificate.ts";
export type { ServerCertificate, ServerCertificateOptions } from "./server-certificate.ts";
export { describeCertificate } from "./description.ts";
export type { CertificateDescription } from "./description.ts";
