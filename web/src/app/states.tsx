// What stands where content should be: failing, missing, empty. Each says what happened and what now.
import { Alert, Button, Center, Code, Group, Stack, Text, ThemeIcon, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { CircleAlert, CloudOff, Compass, type LucideIcon, ShieldX } from 'lucide-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Problem } from '../services/api'

type StateParts = { icon: LucideIcon; title: string; told?: ReactNode; children?: ReactNode; role?: 'alert' | 'status' }

/** A picture, a sentence and the next thing to do, in the middle of the page. */
export function State({ icon: Icon, title, told, children, role }: StateParts) {
  return (
    <Center mih="min(60dvh, 520px)" p="lg" role={role}>
      <Stack align="center" gap="sm" maw={520}>
        <ThemeIcon size={64} radius={20} variant="light"><Icon size={30} strokeWidth={1.7} aria-hidden /></ThemeIcon>
        <Title order={2} fz="h3" ta="center">{title}</Title>
        {told && <Text component="div" c="dimmed" ta="center" fz="sm" maw={440}>{told}</Text>}
        {children}
      </Stack>
    </Center>
  )
}

/** What could not be read, and why. `missing` names what a 404 means here. */
export function Failing({ error, again, missing }: { error: unknown; again?: () => void; missing?: ReactNode }) {
  const { t } = useTranslation()
  const problem = error instanceof Problem ? error : null
  if (problem?.status === 404 && missing) return missing
  if (problem?.status === 403) {
    return <State icon={ShieldX} title={t('failing.denied')} told={t('failing.denied_told')} role="alert" />
  }
  const told = problem?.status === 0 ? t('failing.unreachable') : (problem?.message ?? String(error))
  return (
    <State icon={CloudOff} title={t('failing.title')} told={told} role="alert">
      {problem?.requestId && <Code>{t('failing.request', { id: problem.requestId })}</Code>}
      {again && <Button onClick={again}>{t('failing.again')}</Button>}
    </State>
  )
}

/** Over what was read before, when reading it again failed. */
export function Stale({ error }: { error: unknown }) {
  const { t } = useTranslation()
  if (!error) return null
  const gone = error instanceof Problem && error.status === 0
  return (
    <Alert color="orange" variant="light" icon={<CircleAlert size={18} />} role="status" radius={0} py="xs">
      {gone ? t('failing.unreachable') : t('failing.title')} {t('failing.trying')}
    </Alert>
  )
}

export function Missing() {
  const { t } = useTranslation()
  return (
    <State icon={Compass} title={t('failing.not_found')} told={t('failing.not_found_told')}>
      <Button component={Link} to="/canvases" variant="light">{t('canvas.back')}</Button>
    </State>
  )
}

export function Crashed({ error }: { error: unknown }) {
  const { t } = useTranslation()
  return (
    <State icon={CircleAlert} title={t('failing.crashed')} told={t('failing.crashed_told')} role="alert">
      <Code block>{String(error)}</Code>
      <Group><Button onClick={() => location.reload()}>{t('failing.reload')}</Button></Group>
    </State>
  )
}
