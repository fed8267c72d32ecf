const reasons: readonly (readonly [pattern: RegExp, status: number])[] = [
  [
    /authentication failed|no password supplied|access denied for user|no pg_hba\.conf entry|role ".*" does not exist/i,
    160,
  ],
  [
    /could not connect|connection to server .* failed: (?!FATAL)|can't connect to|unknown (mysql )?server host|could not translate host/i,
    25,
  ],
  [/server closed the connection|lost connection to|connection not open|terminating connection/i, 40],
  [/database ".*" does not exist|unknown database/i, 71],
];

/** Turns the failure of a dump into a NetBackup status. */
export function dumpStatus(errorLines: readonly string[]): number {
  const text = errorLines.join("\n");

  const [, status] = reasons.find(([pattern]) => pattern.test(text)) ?? [];
  return status ?? 6;
}
