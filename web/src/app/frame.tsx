// The frame around every page: the name, the navigation, language, colours, who is signed in.
import {
  ActionIcon, AppShell, Avatar, Box, Burger, Group, Menu, NavLink, Text, useComputedColorScheme, useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Check, Languages, LogOut, Moon, Route as RouteIcon, Sun } from 'lucide-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { meQuery, useSignOut } from '../services/session'
import mark from '../theme/mark.svg'
import { LANGUAGES } from '../words'

export const HEADER_HEIGHT = 52

/** The pages there are. A page that is not built yet is not promised. */
const PAGES = [{ to: '/canvases', word: 'nav.canvases', icon: RouteIcon }] as const

export function Frame() {
  const { t } = useTranslation()
  const [open, { toggle, close }] = useDisclosure()
  const path = useRouterState({ select: (router) => router.location.pathname })
  useEffect(close, [path, close])
  return (
    <AppShell
      header={{ height: HEADER_HEIGHT }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding={0}
    >
      <a href="#content" className="skip">{t('app.skip')}</a>
      <AppShell.Header px="md">
        <Group h="100%" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('app.menu')} />
            <Brand />
          </Group>
          <Group gap={6} wrap="nowrap">
            <LanguageMenu />
            <ColourSwitch />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t('app.navigation')}>
        {PAGES.map(({ to, word, icon: Icon }) => (
          <NavLink key={to} component={Link} to={to} label={t(word)} active={path.startsWith(to)} fw={500}
            leftSection={<Icon size={18} aria-hidden />} style={{ borderRadius: 8 }} />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

export function Brand() {
  return (
    <Group gap={9} wrap="nowrap">
      <img src={mark} width={28} height={28} alt="" />
      <Text fw={700} fz={17} style={{ letterSpacing: '-0.02em' }}>Towpath</Text>
    </Group>
  )
}

export function LanguageMenu() {
  const { t, i18n } = useTranslation()
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('app.language')}><Languages size={18} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(LANGUAGES).map(([language, name]) => (
          <Menu.Item key={language} lang={language} onClick={() => void i18n.changeLanguage(language)}
            rightSection={i18n.language === language ? <Check size={15} aria-hidden /> : <Box w={15} />}>
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

export function ColourSwitch() {
  const { t } = useTranslation()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  return (
    <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t(dark ? 'app.to_light' : 'app.to_dark')}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
      {dark ? <Sun size={18} /> : <Moon size={18} />}
    </ActionIcon>
  )
}

function AccountMenu() {
  const { t } = useTranslation()
  const { data: me } = useQuery(meQuery)
  const signOut = useSignOut()
  const name = me?.name ?? ''
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" radius="xl" aria-label={t('app.account')}>
          <Avatar name={name} color="canal" size={28} radius="xl" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {name && <Menu.Label>{name}<br />{me?.workspace}</Menu.Label>}
        <Menu.Item leftSection={<LogOut size={15} />} onClick={() => signOut.mutate()}>{t('app.sign_out')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
