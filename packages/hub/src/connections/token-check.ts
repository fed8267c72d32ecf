import type { Logger } from "pino";
import { hashSecret, sameHash } from "../access/secret.ts";
import type { Throttle } from "../access/throttle.ts";
import { HubError } from "../errors.ts";
import type { PrimariesView } from "../views/primaries.ts";
import type { Identity } from "./identity.ts";

/** What the check of tokens needs. */
export interface TokenCheckOptions {
  primaries: Pick<PrimariesView, "findByTokenHash">;
  throttle: Throttle;
  logger: Logger;
}

/**
 * Who has this token; undefined when nobody (NBWSS, CONNECT). Looked up by its hash, which is compared in constant time. Only wrong
 * tokens are throttled: a right one has 256 bits and can't have been guessed, and behind one address (a NAT, a proxy) a
 * stranger must not be able to lock the others out.
 * @throws HubError `throttled` when the address has failed too often: it may come again later
 */
export function checkToken(
  options: TokenCheckOptions,
  token: string,
  remoteAddress: string,
): Identity | undefined {
  const { primaries, throttle, logger } = options;
  const tokenHash = hashSecret(token);
  const primary = primaries.findByTokenHash(tokenHash);
  if (primary === undefined || !sameHash(primary.tokenHash, tokenHash)) {
    const retryAfterS = throttle.waitS(remoteAddress);
    if (retryAfterS > 0) {
      logger.info({ remoteAddress, retryAfterS }, "connection.throttled");
      throw new HubError("throttled", "too many wrong tokens from this address", { retryAfterS });
    }
    throttle.fail(remoteAddress);
    logger.warn({ remoteAddress }, "token.refused");
    return undefined;
  }
  return { primaryId: primary.id, name: primary.name, groupId: primary.groupId, tokenHash };
}
