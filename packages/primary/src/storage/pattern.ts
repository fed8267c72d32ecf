/** Writes a path as a pattern of restic that matches this path and nothing else. */
export function escapePattern(path: string): string {
  return path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}
