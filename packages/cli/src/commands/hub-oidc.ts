import { toOidcOptions, type OidcOptions, type OidcSettings } from "@sallyport/hub";
import { readCaFile, readSecret } from "../secrets.ts";

/**
 * Reads the files that the settings of the OpenID provider name.
 * @returns undefined when there is no provider
 * @throws Failure when one can't be read
 */
export function readOidcOptions(settings: OidcSettings): OidcOptions | undefined {
  const { clientSecretFile, caFile } = settings;
  const clientSecret =
    clientSecretFile === undefined
      ? undefined
      : readSecret("the OpenID client secret", "--oidc-client-secret-file", clientSecretFile, "");
  return toOidcOptions(settings, { clientSecret, ca: readCaFile(caFile) });
}
