/** What the worker is started with. */
export interface FleetWork {
  /** The log's file, which the worker only reads. */
  logPath: string;
  /** The file of the fleet's views. */
  path: string;
  retryMs: number;
  /** The newest position of the log that is on the disk. */
  durable: number;
}

/** What the hub tells the worker. */
export type ToFleetWorker =
  /** Everything up to this position is on the disk, and is to be folded now. */
  | { type: "fold"; durable: number }
  /** Close the files and end. */
  | { type: "close" };

/** What the worker tells the hub. */
export type FromFleetWorker =
  /** The tables are there, and show all that was asked for. */
  | { type: "ready"; position: number }
  /** All that was asked for is shown; or, when it is not current, could not be folded yet. */
  | { type: "reached"; position: number; isCurrent: boolean }
  /** A line for the hub's log. */
  | { type: "log"; level: "info" | "warn" | "error"; fields: Record<string, unknown>; event: string };
