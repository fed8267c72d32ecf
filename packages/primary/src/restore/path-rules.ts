import { limits } from "../limits.ts";
import { pathBytes, pathTextProblem } from "../storage/path-text.ts";

/**
 * Why a path can't be a backup or restore selection; undefined when it can: absolute, normalised, no NUL, not too long,
 * and the one text of its bytes (`path-text.ts`).
 */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return "must be an absolute path";
  if (path.includes("\0")) return "must not hold a NUL";
  const problem = pathTextProblem(path);
  if (problem !== undefined) return problem;
  if (pathBytes(path).length >= limits.maxPathBytes)
    return `must be shorter than ${limits.maxPathBytes} bytes`;
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
