const prefix = "client_";

/**
 * The storage unit that holds the backups of a client, and nobody else's: whoever has its key can read all of it. That is a rule of
 * names, so that it also holds for a client that was removed, and with a lost database.
 */
export function unitOfClient(clientName: string): string {
  return `${prefix}${clientName.toLowerCase()}`;
}

/** The client whose backups alone a storage unit holds, in lower case; undefined when it is no client's. */
export function clientOfUnit(storageUnit: string): string | undefined {
  return storageUnit.startsWith(prefix) ? storageUnit.slice(prefix.length) : undefined;
}

/**
 * Whether a snapshot can be what a storage unit holds. A client that was taken over may put any snapshot into its own unit: one that
 * says that it is another machine's must not become that machine's image.
 */
export function isCredible(
  storageUnit: string,
  snapshot: { hostName: string; tags: Readonly<Record<string, string>> },
): boolean {
  const client = clientOfUnit(storageUnit);
  if (client === undefined) return true;
  const [, name = ""] = /^(.*)_\d+$/.exec(snapshot.tags["backupId"] ?? "") ?? [];
  return [name, snapshot.hostName].every((one) => one.toLowerCase() === client);
}
