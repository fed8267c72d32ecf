/** Who a connection belongs to: what its token stands for. */
export interface Identity {
  primaryId: string;
  name: string;
  groupId: string;
  tokenId: string;
}
