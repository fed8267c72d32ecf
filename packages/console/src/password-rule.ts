/** As the hub has it, characters. */
const least = 12;

/** What a password has to be, in a sentence. */
export const passwordRule = `At least ${least} characters`;

/** Why the hub would refuse a new password; null when it would not. */
export function passwordFault(password: string): string | null {
  return password.length < least ? passwordRule : null;
}
