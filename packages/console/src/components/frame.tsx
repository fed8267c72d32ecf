import { AppShell, Burger, Button, Group, NavLink, ScrollArea, Stack, Text } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { sessionQuery, signOut } from "../api/session.ts";
import { pages, type ConsolePage } from "../pages.ts";
import { useAccess } from "../use-access.ts";
import { useLive } from "../use-live.ts";
import { ColorSchemeSwitch } from "./color-scheme-switch.tsx";
import { scopeText } from "./access-fields.tsx";
import { ForbiddenPage } from "./forbidden-page.tsx";
import { GateIcon, KeyIcon, SignOutIcon } from "./icons.tsx";
import { PasswordDialog } from "./password-dialog.tsx";

/** What stands round every page once somebody is signed in: the header, the navigation and the account. */
export function Frame() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const roomForMenu = useMediaQuery("(min-width: 48em)", true, { getInitialValueInEffect: false });
  const { may, role, seesWholeHub } = useAccess();
  const mayOpen = (page: ConsolePage) => may(page.role) && (seesWholeHub || page.ofWholeHub !== true);
  const isLive = useLive();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const burger = useRef<HTMLButtonElement>(null);
  const shownPath = useRef(path);

  // A new page begins at its top for the keyboard and for screen readers as well, and the menu makes room for it.
  useEffect(() => {
    if (shownPath.current === path) return;
    shownPath.current = path;
    close();
    main.current?.focus();
  }, [path, close]);

  const isOn = (to: string) => path === to || (to !== "/" && path.startsWith(`${to}/`));
  const forbidden = pages.find((page) => isOn(page.to) && !mayOpen(page));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 240, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a
        className="skip-link"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm">
          <Burger
            ref={burger}
            opened={opened}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={opened ? "Close the menu" : "Open the menu"}
            aria-expanded={opened}
            aria-controls="navigation"
          />
          <GateIcon size={26} />
          <Text fw={700} size="lg">
            Sallyport
          </Text>
          <Text
            size="sm"
            c="dimmed"
            component="output"
            ml="auto"
            title={
              isLive
                ? "The hub tells what happens, and the pages show it at once"
                : "The hub does not tell what happens at the moment: the pages are read every ten seconds"
            }
          >
            {isLive ? "Live" : "Not live"}
          </Text>
        </Group>
      </AppShell.Header>
      {/* A menu that is out of sight is out of the keyboard's way too. */}
      <AppShell.Navbar
        p="sm"
        id="navigation"
        aria-label="Pages and account"
        inert={!roomForMenu && !opened}
        onKeyDown={({ key }) => {
          if (key !== "Escape" || roomForMenu) return;
          close();
          burger.current?.focus();
        }}
      >
        <AppShell.Section grow component={ScrollArea}>
          {pages.filter(mayOpen).map(({ to, label, Icon }) => (
            <NavLink
              key={to}
              renderRoot={(props) => <Link to={to} {...props} />}
              label={label}
              leftSection={<Icon />}
              active={isOn(to)}
              aria-current={isOn(to) ? "page" : undefined}
            />
          ))}
        </AppShell.Section>
        <AppShell.Section>
          <Account />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main ref={main} id="content" tabIndex={-1}>
        {forbidden === undefined ? <Outlet /> : <ForbiddenPage page={forbidden} role={role} />}
      </AppShell.Main>
    </AppShell>
  );
}

function Account() {
  const { data: session } = useQuery(sessionQuery);
  const navigate = useNavigate();
  const [changing, { open, close }] = useDisclosure(false);
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async (_answer, _input, _result, { client }) => {
      client.clear();
      client.setQueryData(sessionQuery.queryKey, null);
      await navigate({ to: "/sign-in" });
    },
  });
  return (
    <Stack gap="sm">
      <ColorSchemeSwitch />
      <div>
        <Text size="sm" truncate title={session?.name}>
          {session?.name}
        </Text>
        <Text size="xs" c="dimmed">
          {session === null || session === undefined ? "" : `${session.role}, ${scopeText(session.scope)}`}
        </Text>
      </div>
      {session?.kind === "user" ? (
        <>
          <Button variant="default" leftSection={<KeyIcon />} onClick={open}>
            Change the password
          </Button>
          <PasswordDialog userId={session.id} opened={changing} onClose={close} />
        </>
      ) : null}
      <Button
        variant="default"
        leftSection={<SignOutIcon />}
        loading={leave.isPending}
        onClick={() => leave.mutate()}
      >
        Sign out
      </Button>
      {leave.isError ? (
        <Text size="sm" c="red" role="alert">
          You are still signed in. {leave.error.message}
        </Text>
      ) : null}
    </Stack>
  );
}
