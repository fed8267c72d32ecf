import type { CatalogueImage } from "../catalogue/image.ts";

const none = new Date(0).toISOString();
/** How NetBackup writes "never expires". */
export const neverExpires = "3000-12-31T23:00:00.000Z";

/** An image as `/catalog/images` shows it. */
export function imageResource(image: CatalogueImage, primaryName: string) {
  const expiration = image.expiresAtMs === null ? neverExpires : new Date(image.expiresAtMs).toISOString();
  const backupTime = new Date(image.backupTimeS * 1000).toISOString();
  return {
    type: "image",
    id: image.backupId,
    links: { self: { href: `/catalog/images/${encodeURIComponent(image.backupId)}` } },
    relationships: { mediaServers: { data: [{ type: "mediaServer", id: primaryName }] } },
    attributes: {
      policyType: image.policyType,
      clientName: image.clientName,
      policyName: image.policyName,
      scheduleName: image.scheduleName,
      scheduleType: image.scheduleType,
      backupCopyType: "DEFAULT",
      backupTime,
      backupStatus: image.status,
      expiration,
      elapsedTimeSeconds: image.elapsedS,
      jobId: image.jobId,
      kbytes: image.kilobytes,
      kbytesDataTransferred: image.kilobytesStored,
      numFiles: image.files,
      numCopies: 1,
      numberFragments: 1,
      primaryCopy: 1,
      retentionLevel: image.expiresAtMs === null ? 9 : 1,
      blockIncrementalFullTime: none,
      clientCharset: 0,
      compression: false,
      contentFile: `${image.policyName}_${image.backupTimeS}_${image.scheduleType}.f`,
      contentFileSize: "0",
      contentFileCompressed: "NOT",
      creator: "root",
      dataClassification: "",
      drMediaList: [],
      // Restic encrypts every repository.
      encryption: "CIPHER",
      extendedSecurityInfo: false,
      fileSystemOnly: false,
      imageDumpLevel: 0,
      imageType: "NORMAL",
      keyword: "",
      mpx: false,
      originMasterServer: primaryName,
      pfiType: 0,
      providerGeneratedId: image.snapshotId,
      proxyClient: "",
      remoteExpirationDate: none,
      slpCompleted: 0,
      slpName: "",
      slpVersion: 0,
      snapshotTime: none,
      streamNumber: 0,
      streamAggregatedKbytes: -1,
      streamAggregatedFiles: -1,
      tirExpirationDate: none,
      version: 15,
      vmType: "NONE",
      isOptimized: false,
      malwareScanResult: "NOT_SCANNED",
      malwareStatus: "NOT_SCANNED",
      anomalyStatus: "NOT_PROCESSED",
      anomalySeverity: "NOT_PROCESSED",
      fileScanResult: "NOT_PROCESSED",
      fragments: [
        {
          copyDate: new Date(image.createdAtS * 1000).toISOString(),
          copyNumber: 1,
          fragmentNumber: 1,
          expiration,
          ...(image.wormUntilMs === null
            ? {}
            : { wormFlags: 1, wormUnlockTime: new Date(image.wormUntilMs).toISOString() }),
          host: primaryName,
          kbytes64: image.kilobytes,
          mediaId: image.storageUnit,
          mediaDesc: `restic snapshot ${image.snapshotId}`,
        },
      ],
    },
  };
}
