// Signing in with a password. The link that signs in once has a page of the server's own.
import { Alert, Box, Button, Center, Code, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useRouter, useSearch } from '@tanstack/react-router'
import { CircleAlert } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Brand, ColourSwitch, LanguageMenu } from '../app/frame'
import { Problem } from '../services/api'
import { useSignIn } from '../services/session'

const INVITE = 'towpath member link --email you@example.com'

function useGoOn() {
  const router = useRouter()
  const { next } = useSearch({ from: '/sign-in' })
  return () => router.history.replace(next ?? '/canvases')
}

export function SignIn() {
  const { t } = useTranslation()
  const goOn = useGoOn()
  const signIn = useSignIn()
  useEffect(() => {
    document.title = `${t('sign_in.title')} · Towpath`
  }, [t])
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    signIn.mutate(
      { email: String(given.get('email')), password: String(given.get('password')) },
      { onSuccess: goOn },
    )
  }
  return (
    <Outside title={t('sign_in.title')} told={t('sign_in.told')}>
      <form onSubmit={submit}>
        <Stack>
          {signIn.error && (
            <Alert color="red" variant="light" icon={<CircleAlert size={18} />} role="alert">
              {refusal(signIn.error, t('sign_in.refused'), t('failing.unreachable'))}
            </Alert>
          )}
          <TextInput name="email" type="email" label={t('sign_in.email')} autoComplete="username" required
            withAsterisk={false} data-autofocus autoFocus size="md" />
          <PasswordInput name="password" label={t('sign_in.password')} autoComplete="current-password" required
            withAsterisk={false} size="md" />
          <Button type="submit" size="md" mt={4} loading={signIn.isPending}>{t('sign_in.go')}</Button>
        </Stack>
      </form>
      <Box mt="lg">
        <Text c="dimmed" fz="xs" mb={6}>{t('sign_in.no_account')}</Text>
        <Code block fz={11.5}>{INVITE}</Code>
      </Box>
    </Outside>
  )
}

function Outside({ title, told, children }: { title: string; told?: string; children: ReactNode }) {
  return (
    <Box mih="100dvh" bg="var(--sheet)">
      <Group justify="flex-end" p="sm" gap={6}><LanguageMenu /><ColourSwitch /></Group>
      <Center component="main" px="md" pt={{ base: 24, sm: '7dvh' }} pb="xl">
        <Stack w="100%" maw={400} gap="lg">
          <Brand />
          <Paper withBorder radius="lg" p={{ base: 'lg', sm: 'xl' }} shadow="sm">
            <Title order={1} fz="h2" mb={told ? 4 : 'md'}>{title}</Title>
            {told && <Text c="dimmed" fz="sm" mb="lg">{told}</Text>}
            {children}
          </Paper>
        </Stack>
      </Center>
    </Box>
  )
}

function refusal(error: Error, refused: string, unreachable: string): string {
  if (!(error instanceof Problem)) return String(error)
  if (error.status === 0) return unreachable
  return error.status === 401 ? refused : error.message
}
