import { z } from "zod";

const flag = z.boolean().nullish();
const text = z.string().max(1024).nullish();

/**
 * The attributes of a policy. What NetBackup knows and restic has no use for is kept and shown, since clients expect
 * back what they sent; what NetBackup does not know is dropped.
 */
export const policyAttributesSchema = z.object({
  active: flag,
  storage: z.string().max(128).nullish(),
  keyword: text,
  /** Jobs of the policy at once; 0 and 2147483647: any number. */
  jobLimit: z.int().min(0).max(2_147_483_647).nullish(),
  priority: z.int().min(0).max(99_999).nullish(),
  useMultipleDataStreams: flag,
  effectiveDateUTC: z.string().max(64).nullish(),
  crossMountPoints: flag,
  alternateClientHostname: text,
  autoManagedLabel: text,
  autoManagedType: z.int().min(0).max(2).nullish(),
  blockIncremental: flag,
  calculateFileHash: flag,
  checkpointIntervalMinutes: z.int().min(5).max(180).nullish(),
  clientCompress: flag,
  clientEncrypt: flag,
  collectBareMetalRestoreInfo: flag,
  collectTrueImageRestoreInfo: z
    .enum([
      "Collect true image restore information",
      "Collect true image restore information with move detection",
      "Off",
    ])
    .nullish(),
  dataClassification: text,
  dataMoverMachine: z
    .enum([
      "Unknown",
      "None",
      "Third Party Copy Device",
      "NetBackup Media Server",
      "Network Attached Storage",
      "NDMP",
    ])
    .nullish(),
  disableClientSideDeduplication: flag,
  enableClientSideDeduplication: flag,
  followNFSMounts: flag,
  mediaOwner: text,
  offhostBackup: flag,
  retainSnapshot: flag,
  snapshotBackup: flag,
  snapshotMethod: text,
  snapshotMethodArgs: text,
  storageIsSLP: flag,
  useAccelerator: flag,
  useMultipleMSDPNodes: flag,
  useReplicationDirector: flag,
  useVirtualMachine: z.int().nullish(),
  volumePool: text,
});
