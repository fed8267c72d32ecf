import type { Introduction } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { hashSecret, sameHash } from "../access/secret.ts";
import type { Throttle } from "../access/throttle.ts";
import { HubError } from "../errors.ts";
import type { PrimariesView } from "../views/primaries.ts";
import { isGood, type PrimaryTokensView } from "../views/primary-tokens.ts";
import type { ConnectionRecord } from "./connection-record.ts";
import type { Identity } from "./identity.ts";

/** What the check of tokens needs. */
export interface TokenCheckOptions {
  primaries: Pick<PrimariesView, "get">;
  tokens: Pick<PrimaryTokensView, "findByHash">;
  record: Pick<ConnectionRecord, "refused">;
  throttle: Throttle;
  logger: Logger;
  /** Epoch ms. */
  now: () => number;
}

/**
 * Who has this token; undefined when nobody, or when it has ended (NBWSS, CONNECT). Looked up by its hash, which is compared in constant
 * time. Only wrong tokens are throttled: a right one has 256 bits and can't have been guessed, and behind one address (a NAT, a proxy) a
 * stranger must not be able to lock the others out. The same goes for one that was right: it is shown on its primary's timeline.
 * @throws HubError `throttled` when the address has failed too often: it may come again later
 */
export function checkToken(
  options: TokenCheckOptions,
  token: string,
  { remoteAddress, trackingId }: Introduction,
): Identity | undefined {
  const { primaries, tokens, record, throttle, logger, now } = options;
  const tokenHash = hashSecret(token);
  const found = tokens.findByHash(tokenHash);
  const primary = found === undefined ? undefined : primaries.get(found.primaryId);
  if (found === undefined || primary === undefined || !sameHash(found.tokenHash, tokenHash)) {
    const retryAfterS = throttle.waitS(remoteAddress);
    if (retryAfterS > 0) {
      logger.info({ remoteAddress, trackingId, retryAfterS }, "connection.throttled");
      throw new HubError("throttled", "too many wrong tokens from this address", { retryAfterS });
    }
    throttle.fail(remoteAddress);
    logger.warn({ remoteAddress, trackingId }, "token.refused");
    return undefined;
  }
  const { id: tokenId, groupId } = found;
  if (!isGood(found, now())) {
    const why = found.endedWhy === "revoked" ? "token_revoked" : "token_expired";
    record.refused({ primaryId: primary.id, groupId, tokenId, remoteAddress, trackingId, why });
    return undefined;
  }
  return { primaryId: primary.id, name: primary.name, groupId, tokenId };
}
