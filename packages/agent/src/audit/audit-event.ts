/** What the audit keeps of one thing that happened; secrets are starred before they come here. */
export interface AuditEvent {
  /** Such as `command.allowed`, `command.held`, `ticket.approved`, `rules.taken`. */
  kind: string;
  groupId?: string | undefined;
  method?: string | undefined;
  /** Path and query. */
  uri?: string | undefined;
  rule?: string | undefined;
  reason?: string | undefined;
  ticket?: string | undefined;
  requestHash?: string | undefined;
  /** Who did it on premises. */
  by?: string | undefined;
  /** HTTP status of the upstream's answer. */
  status?: number | undefined;
  /** How many of this kind an entry stands for, where more came than are kept one by one. */
  count?: number | undefined;
  file?: string | undefined;
  /** Of a checkpoint, or of files that were removed: the last entry that it is about, and that one's hash. */
  upTo?: number | undefined;
  upToHash?: string | undefined;
  signature?: string | undefined;
}

/** Where what happens is recorded. */
export interface AuditTrail {
  /**
   * Records something; it is on disk when this resolves.
   * @throws AgentError `audit_failed`
   */
  record(event: AuditEvent): Promise<void>;
  /** Records something that nothing waits for; beyond a number in each minute only how many they were. Never fails. */
  note(event: AuditEvent): void;
}
