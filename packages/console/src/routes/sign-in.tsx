import {
  Alert,
  Button,
  Center,
  Divider,
  Group,
  Paper,
  PasswordInput,
  SegmentedControl,
  Skeleton,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client.ts";
import { sessionMethodsQuery, sessionQuery, signIn, type Proof } from "../api/session.ts";
import { ColorSchemeSwitch } from "../components/color-scheme-switch.tsx";
import { GateIcon, WarningIcon } from "../components/icons.tsx";

const route = getRouteApi("/sign-in");
type Way = "apiKey" | "password";

/** Exchanges an API key, or login and password, for a session. The secret lives in its field alone, until it is accepted. */
export function SignInPage() {
  useDocumentTitle("Sign in · Sallyport");
  const methods = useQuery(sessionMethodsQuery);
  const [chosen, setChosen] = useState<Way>();
  const hasPasswords = methods.data?.password === true;
  const way = chosen ?? (hasPasswords ? "password" : "apiKey");
  const oidc = methods.data?.oidc ?? null;
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w="100%" maw={400}>
        <Paper withBorder p="xl" component="section">
          <Stack>
            <Group gap="sm">
              <GateIcon size={32} />
              <Title order={1} size="h3">
                Sign in to Sallyport
              </Title>
            </Group>
            {oidc === null ? null : (
              <>
                <Button component="a" href={oidc.startUrl} fullWidth>
                  {oidc.label}
                </Button>
                <Divider label="or" />
              </>
            )}
            {hasPasswords ? (
              <SegmentedControl
                aria-label="Sign in with"
                value={way}
                onChange={(value) => setChosen(value === "password" ? "password" : "apiKey")}
                data={[
                  { value: "password", label: "Password" },
                  { value: "apiKey", label: "API key" },
                ]}
                fullWidth
              />
            ) : null}
            {methods.isPending ? (
              // Which form it is, is not changed under the hands of whoever types already.
              <Skeleton height={160} component="output" aria-label="Asking the hub how to sign in" />
            ) : (
              <SignInForm key={way} way={way} />
            )}
          </Stack>
        </Paper>
        <ColorSchemeSwitch />
      </Stack>
    </Center>
  );
}

function SignInForm({ way }: { way: Way }) {
  const { next, ended } = route.useSearch();
  const router = useRouter();
  const [login, setLogin] = useState("");
  const secret = useRef<HTMLInputElement>(null);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => (first.current ?? secret.current)?.focus(), []);
  const enter = useMutation({
    mutationFn: async () => signIn(proofOf(way, login.trim(), secret.current?.value ?? "")),
    onSuccess: async (_answer, _input, _result, { client }) => {
      if (secret.current !== null) secret.current.value = "";
      // Whoever was here before may have been somebody else.
      client.clear();
      await client.fetchQuery(sessionQuery);
      router.history.push(next ?? "/");
    },
    onError: () => secret.current?.select(),
  });
  const withPassword = way === "password";
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        enter.mutate();
      }}
    >
      <Stack>
        {ended === true && !enter.isError ? (
          <Alert color="yellow" icon={<WarningIcon />} title="Your session has ended">
            Sessions end after a while, and when the access behind them is changed. Sign in again to go on
            where you were.
          </Alert>
        ) : null}
        {withPassword ? (
          <TextInput
            label="Login"
            value={login}
            onChange={(event) => setLogin(event.currentTarget.value)}
            autoComplete="username"
            spellCheck={false}
            required
            withAsterisk={false}
            ref={first}
          />
        ) : null}
        <PasswordInput
          ref={secret}
          label={withPassword ? "Password" : "API key"}
          description="Exchanged for a session; this browser does not keep it."
          autoComplete={withPassword ? "current-password" : "off"}
          spellCheck={false}
          required
          withAsterisk={false}
          visibilityToggleButtonProps={{ "aria-label": withPassword ? "Show the password" : "Show the key" }}
        />
        {enter.isError ? (
          <Alert color="red" icon={<WarningIcon />} title="You are not signed in">
            {reasonOf(enter.error, withPassword)}
          </Alert>
        ) : null}
        <Button type="submit" loading={enter.isPending} fullWidth>
          Sign in
        </Button>
        <Text size="sm" c="dimmed">
          The first administrator&apos;s key was printed when the hub first started, or set by
          SALLYPORT_ADMIN_KEY.
        </Text>
      </Stack>
    </form>
  );
}

function proofOf(way: Way, login: string, secret: string): Proof {
  return way === "apiKey" ? { apiKey: secret.trim() } : { login, password: secret };
}

function reasonOf(error: Error, withPassword: boolean): string {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 401) {
    return withPassword
      ? "Login or password is wrong, or the user is disabled."
      : "The hub does not know this API key. Check that all of it was pasted.";
  }
  if (error.status === 429) {
    const when = error.retryAfterSeconds === null ? "in a while" : `in ${error.retryAfterSeconds} seconds`;
    return `There were too many attempts. Try again ${when}.`;
  }
  return error.message;
}
