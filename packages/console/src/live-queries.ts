/** What is read again when something of this type has happened: beginnings of types, and of the paths that lists were read from. */
const affected: readonly (readonly [type: string, paths: readonly string[]])[] = [
  ["netbackup.job", ["/jobs", "/backups"]],
  ["netbackup.image", ["/images"]],
  ["sallyport.primary", ["/primaries"]],
  ["sallyport.connection", ["/primaries"]],
  ["sallyport.alert", ["/alert"]],
  ["sallyport.webhook", ["/webhooks"]],
  ["sallyport.command", ["/commands"]],
];

/** Whether a list that was read from this path may show other things after events of these types; "" stands for every type. */
export function isAffected(path: string, types: readonly string[]): boolean {
  return affected.some(
    ([beginning, paths]) =>
      paths.some((start) => path.startsWith(start)) &&
      types.some((type) => type === "" || type.startsWith(beginning)),
  );
}
