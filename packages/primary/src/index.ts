export { createPrimary, isWildcard } from "./primary.ts";
export type { ListenOptions, Primary, PrimaryListener, PrimaryOptions } from "./primary.ts";
export { recoverCatalogue } from "./catalogue/recover-catalogue.ts";
export type { RecoverCatalogueOptions, RecoveredCatalogue } from "./catalogue/recover-catalogue.ts";
export { addStorage, checkStorage, listStorage, removeStorage } from "./storage/storage-administration.ts";
export type {
  NewStorage,
  StorageAdministrationOptions,
  StorageCheck,
  StorageOverview,
} from "./storage/storage-administration.ts";
export type { StorageKind } from "./storage/storage-server.ts";
export { exportRepositoryKey, rotateRepositoryKey } from "./storage/repository-key.ts";
export type { RepositoryKeyOptions } from "./storage/repository-key.ts";
export type { RunningServer } from "./server.ts";
export type { ApiEnvironment, ApiRoutes } from "./api/environment.ts";
export type { Principal } from "./access/sessions.ts";
export type { Credentials, Users } from "./access/users.ts";
export type { Clock } from "./clock.ts";
export { errorTable, PrimaryError } from "./errors.ts";
export type { PrimaryErrorCode, PrimaryErrorOptions } from "./errors.ts";
export type {
  ImageNotificationItem,
  JobNotificationItem,
  Notification,
  NotificationJournal,
} from "./journal/notification.ts";
export { observedOperations, publishedOperations } from "./api/published-operations.ts";
export type { PublishedOperation } from "./api/published-operations.ts";
export { servicesElsewhere } from "./api/services-elsewhere.ts";
export { checkClient, fingerprintOf, registerClient, scanHostKeys } from "./clients/register-client.ts";
export type { ClientCheck, ShownHostKey } from "./clients/register-client.ts";
export { clientFile, hostKeySchema, sshClientSchema } from "./clients/ssh-client.ts";
export type { ClientFile, SshClient } from "./clients/ssh-client.ts";
export { commandFile, commandSchema } from "./premises/commands.ts";
export type { CommandFile, PremisesCommand } from "./premises/commands.ts";
export { databaseFile, databaseSchema } from "./premises/databases.ts";
export type { DatabaseFile, PremisesDatabase } from "./premises/databases.ts";
export { limits } from "./limits.ts";
export { describeStatus } from "./status-codes.ts";
export type { StatusCode } from "./status-codes.ts";
