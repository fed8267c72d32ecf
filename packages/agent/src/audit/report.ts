/** Something that is not as it was written. */
export interface AuditFinding {
  /** The entry that it is about. */
  n: number;
  /** Where, such as `audit-000001.jsonl:12`. */
  at: string;
  what: string;
}

/** What a verification came to. */
export interface AuditReport {
  files: number;
  entries: number;
  /** The first and last entry; 0 without any. */
  first: number;
  last: number;
  /** Checkpoints whose signature is right. */
  checkpoints: number;
  /** The last entry that a checkpoint vouches for. */
  vouchedFor: number;
  /** Empty when nothing was changed. */
  findings: AuditFinding[];
}

/** More are not listed: the first ones tell what happened. */
export const maxFindings = 100;
