import { HubError } from "@sallyport/hub";
import { Failure } from "../failure.ts";

/**
 * Waits for what the hub was asked to do here; its errors become lines for the user.
 * @throws Failure, with exit code 2 for what was named wrongly
 */
export async function asked<T>(done: Promise<T>): Promise<T> {
  try {
    return await done;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    throw new Failure(error.message, { cause: error, exitCode: error.code === "bad_option" ? 2 : 1 });
  }
}
