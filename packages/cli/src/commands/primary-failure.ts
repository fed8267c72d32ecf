import { PrimaryError } from "@sallyport/primary";
import { Failure } from "../failure.ts";

/** Waits for work in a primary's folder; what a user can mend is said in one line. @throws Failure */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const isKnown = error instanceof PrimaryError || (error instanceof Error && "code" in error);
    if (isKnown) throw new Failure(error.message, { cause: error });
    throw error;
  }
}
