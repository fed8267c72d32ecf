/** What a NetBackup status means and what an administrator should do about it. */
export interface StatusCode {
  text: string;
  action: string;
}

const readLog = "Read the job's log: its last lines are restic's.";
const checkNetwork = "Check the network to the storage, and run the job again.";
const checkPolicy = "Correct the policy, or name what it has.";

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
  6: { text: "the backup failed to back up the requested files", action: readLog },
  11: { text: "system call failed", action: "Read the job's log for the call and its error." },
  13: { text: "file read failed", action: "Check the source's disk and permissions." },
  14: { text: "file write failed", action: "Check the destination's disk, space and permissions." },
  20: { text: "invalid command parameter", action: "Correct what the message names, and ask again." },
  23: { text: "socket read failed", action: checkNetwork },
  24: { text: "socket write failed", action: checkNetwork },
  25: {
    text: "cannot connect on socket",
    action: "Check that the server which the job's log names is on and reachable, and run the job again.",
  },
  40: { text: "network connection broken", action: checkNetwork },
  41: { text: "network connection timed out", action: checkNetwork },
  42: { text: "network read failed", action: checkNetwork },
  48: {
    text: "client hostname could not be found",
    action: "Check the client's name in the policy and in DNS.",
  },
  50: {
    text: "client process aborted",
    action: "The primary or its restic was stopped during the job: run the job again.",
  },
  49: {
    text: "client did not start",
    action: "Install the program that the job's log names (restic, pg_dump, mysqldump) where it says.",
  },
  54: { text: "timed out connecting to client", action: "Check that the client is on and reachable." },
  57: { text: "client connection refused", action: "Check that the client lets the primary in." },
  58: { text: "can't connect to client", action: "Check that the client is on and reachable." },
  59: {
    text: "access to the client was not allowed",
    action: "Check the client's permissions for the primary.",
  },
  71: {
    text: "none of the files in the file list exist",
    action: "Correct the policy's backup selections, or mount what they name.",
  },
  72: { text: "the client type is incorrect in the configuration database", action: checkPolicy },
  73: { text: "bpstart_notify failed", action: "Read the job's log for what the start command said." },
  74: {
    text: "client timed out waiting for bpstart_notify to complete",
    action: "See why the start command takes so long, or give it a longer timeout.",
  },
  75: {
    text: "client timed out waiting for bpend_notify to complete",
    action: "The image is whole. See why the end command takes so long, and whether its work was done.",
  },
  77: {
    text: "execution of the specified system command returned a nonzero status",
    action: "The image is whole. Read the job's log for what the end command said.",
  },
  83: { text: "media open error", action: "Check the disk of the storage unit." },
  84: {
    text: "media write error",
    action: "Check the storage unit's disk, or its server and the network to it, and run the job again.",
  },
  85: { text: "media read error", action: "Verify the images; check the disk of the storage unit." },
  96: { text: "unable to allocate new media for backup", action: "Free space in the storage unit." },
  129: {
    text: "disk storage unit is full",
    action: "Free space on the storage unit's disk, or expire images, and run the job again.",
  },
  150: { text: "termination requested by administrator", action: "None: somebody cancelled the job." },
  156: { text: "snapshot error encountered", action: "Read the job's log." },
  160: {
    text: "authentication failed",
    action: "Check the user's name and password, and the credential file.",
  },
  174: { text: "media manager system error occurred", action: "Check the disk of the storage unit." },
  191: {
    text: "no images were successfully processed",
    action: "Read the job's log; check the disk of the storage unit, and back up again what can't be read.",
  },
  196: {
    text: "client backup was not attempted because backup window closed",
    action: "Widen the schedule's window, or run the backup by hand.",
  },
  199: {
    text: "operation not allowed during this time period",
    action: "Wait for the schedule's window, or widen it.",
  },
  213: {
    text: "no storage units available for use",
    action: "Name a storage unit that there is in the policy or schedule, or add it again.",
  },
  227: { text: "no entity was found", action: "Check the name or identifier." },
  230: { text: "the specified policy does not exist in the configuration database", action: checkPolicy },
  239: { text: "the specified client does not exist in the specified policy", action: checkPolicy },
  240: { text: "no schedules of the correct type exist in this policy", action: checkPolicy },
  247: { text: "the specified policy is not active", action: "Activate the policy." },
  800: { text: "resource request failed", action: "Too much is asked at once: try again later." },
  2074: { text: "disk volume is down", action: "Check that the storage unit's disk is mounted." },
  2106: {
    text: "disk storage server is down",
    action:
      "Look at `sallyport primary storage check`: restic has to be installed, the server up, its credentials valid, and the repository's password file in place.",
  },
  8000: { text: "the user is not authorized", action: "Log in, or use a valid API key." },
};

/** Describes a status; one that is not in the table gets a general text. */
export function describeStatus(status: number): StatusCode {
  return statusCodes[status] ?? { text: `status ${status}`, action: "Read the job's log." };
}

/** Every status that has a text, in order. */
export function knownStatuses(): (StatusCode & { status: number })[] {
  return Object.entries(statusCodes).map(([status, code]) => ({ status: Number(status), ...code }));
}
