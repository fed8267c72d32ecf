/**
 * Names, in lower case, of headers that belong to one hop (RFC 9110, 7.6.1, and custom): neither a COMMAND REQUEST nor its
 * response carries them on.
 */
export const hopByHopHeaders: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
