const unknownAuthority: ReadonlySet<string | undefined> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

/**
 * Why a server could not be reached or verified, in one line. Node's own words for an authority that is not known advise to set an option
 * of Node, which is not what whoever runs this has to do.
 * @param option where an authority is named, such as `--ca`; left out unless given
 */
export function dialReason(error: NodeJS.ErrnoException, option?: string): string {
  if (unknownAuthority.has(error.code)) {
    const advice = option === undefined ? "" : `: name that authority's certificate with ${option}`;
    return `its certificate is from an authority that is not known here${advice}`;
  }
  return error.message === "" ? (error.code ?? error.name) : error.message;
}
