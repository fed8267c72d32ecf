/** When an id was made that begins with its time (UUID version 7), epoch ms. */
export function madeAtMs(id: string): number {
  return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}
