/** What a page may load and do. @param styles further sources of styles, such as a nonce */
function policy(styles = ""): string {
  return [
    "default-src 'self'",
    `style-src 'self'${styles}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Headers of everything that the hub serves to browsers: nothing from elsewhere, and nothing inline. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": policy(),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "strict-transport-security": "max-age=31536000",
};

/** Headers of a page whose component library makes style elements: those alone that know this answer's nonce. */
export function headersWithNonce(nonce: string): Record<string, string> {
  return { ...securityHeaders, "content-security-policy": policy(` 'nonce-${nonce}'`) };
}
