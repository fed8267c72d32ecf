import { clientOfUnit } from "../clients/client-unit.ts";
import type { ClientFile } from "../clients/ssh-client.ts";
import type { Job } from "../jobs/job.ts";
import type { BackupSource } from "./backup-source.ts";

/** The kinds of things that can be backed up. */
export interface BackupSources {
  files: BackupSource;
  databases: BackupSource;
  clients: BackupSource;
}

/** Chooses what a job reads, and refuses what would put somebody else's data where a client can read it. */
export function chooseSource(sources: BackupSources, clients: Pick<ClientFile, "find">) {
  return (job: Job): BackupSource => {
    const owner = clientOfUnit(job.storageUnit);
    if (owner !== undefined && owner !== job.clientName.toLowerCase()) {
      const message = `the storage unit ${job.storageUnit} is the client ${owner}'s alone: choose another for this policy`;
      return () =>
        Promise.resolve({ status: 2106, log: [{ severity: "ERROR", message }], summary: undefined });
    }
    if (job.policyType !== "Standard") return sources.databases;
    return clients.find(job.clientName) === undefined ? sources.files : sources.clients;
  };
}
