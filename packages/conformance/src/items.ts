/** A second that the items bear; what it is does not matter. */
const someSecond = 1_700_000_000;

/** A job's entry in a notification, with every documented member (NBWSS, NOTIFICATION). */
export function jobEntry(jobId: number, changed: Record<string, unknown> = {}) {
  const item = {
    jobId,
    parentJobId: jobId,
    jobType: "BACKUP",
    state: "DONE",
    status: 0,
    policyName: "conformance",
    policyType: "STANDARD",
    scheduleType: "ST_FULL",
    clientName: "conformance.example",
    startTime: someSecond,
    ...changed,
  };
  return { notificationType: "INFO", object: "JOB", data: [item] };
}

/** An image's entry in a notification, with every documented member (NBWSS, NOTIFICATION). */
export function imageEntry(backupTime: number, operationId = "CREATE") {
  const item = {
    backupId: `conformance.example_${backupTime}`,
    clientName: "conformance.example",
    clientType: "STANDARD",
    backupTime,
    createdTime: backupTime + 1,
    operationId,
  };
  return { notificationType: "INFO", object: "IMAGE", data: [item] };
}

let lastJobId = someSecond % 1_000_000;

/** A job number that this run has not used. */
export function freshJobId(): number {
  lastJobId += 1;
  return lastJobId;
}
