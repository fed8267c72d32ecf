import { limits } from "../limits.ts";

/**
 * Why a path can't be a backup or restore selection; undefined when it can: absolute, normalised, no NUL, not too long.
 */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return "must be an absolute path";
  if (path.includes("\0")) return "must not hold a NUL";
  if (Buffer.byteLength(path) >= limits.maxPathBytes)
    return `must be shorter than ${limits.maxPathBytes} bytes`;
  if (!path.isWellFormed()) return "must be well-formed Unicode";
  if (path === "/") return undefined;
  const parts = path.split("/").slice(1);
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return 'must be normalised: no "//", "/./", "/../" and no slash at its end';
  }
  return undefined;
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}
