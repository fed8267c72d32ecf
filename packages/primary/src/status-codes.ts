/** What a NetBackup status means and what an administrator should do about it. */
export interface StatusCode {
  text: string;
  action: string;
}

const statusCodes: Readonly<Record<number, StatusCode>> = {
  0: { text: "the requested operation was successfully completed", action: "None." },
  1: {
    text: "the requested operation was partially successful",
    action: "Read the job's log for the files that were left out.",
  },
  2: { text: "none of the requested files were backed up", action: "Check the policy's backup selections." },
  5: {
    text: "the restore failed to recover the requested files",
    action: "Read the job's log; check the destination's space, type and permissions.",
  },
  6: {
    text: "the backup failed to back up the requested files",
    action: "Read the job's log: its last lines are restic's.",
  },
  11: { text: "system call failed", action: "Read the job's log for the call and its error." },
  13: { text: "file read failed", action: "Check the source's disk and permissions." },
  40: {
    text: "network connection broken",
    action: "Check the network to the storage, and run the job again.",
  },
  50: {
    text: "client process aborted",
    action: "The primary or its restic was stopped during the job: run the job again.",
  },
  58: { text: "can't connect to client", action: "Check that the client is on and reachable." },
  71: {
    text: "none of the files in the file list exist",
    action: "Correct the policy's backup selections, or mount what they name.",
  },
  84: { text: "media write error", action: "Check the disk of the storage unit." },
  85: { text: "media read error", action: "Check the repository with restic check." },
  96: { text: "unable to allocate new media for backup", action: "Free space in the storage unit." },
  129: {
    text: "disk storage unit is full",
    action: "Free space on the storage unit's disk, or expire images, and run the job again.",
  },
  150: { text: "termination requested by administrator", action: "None: somebody cancelled the job." },
  196: {
    text: "client backup was not attempted because backup window closed",
    action: "Widen the schedule's window, or run the backup by hand.",
  },
  227: { text: "no entity was found", action: "Check the name or identifier." },
  2106: {
    text: "disk storage server is down",
    action: "Check that restic is installed and that the repository and its password file can be read.",
  },
};

/** Describes a status; one that is not in the table gets a general text. */
export function describeStatus(status: number): StatusCode {
  return statusCodes[status] ?? { text: `status ${status}`, action: "Read the job's log." };
}
