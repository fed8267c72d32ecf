import { sessionCookie } from "../access/access.ts";

const attributes = "Path=/; HttpOnly; Secure; SameSite=Strict";

/** The header that gives a browser its session. */
export function setSessionCookie(id: string, maxAgeS: number): string {
  return `${sessionCookie}=${id}; Max-Age=${maxAgeS}; ${attributes}`;
}

/** The header that takes it away. */
export const endSessionCookie = `${sessionCookie}=; Max-Age=0; ${attributes}`;
