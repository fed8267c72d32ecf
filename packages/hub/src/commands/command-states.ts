/** Where a stored command (`Prefer: respond-async`) stands. */
export const commandStates = ["queued", "sent", "done", "failed", "expired", "cancelled", "unknown"] as const;
