// The list of Canvases: name, state, version, people inside.
import { Box, Button, Code, Group, Paper, Skeleton, Stack, Table, Text, Title, VisuallyHidden } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Route as RouteIcon } from 'lucide-react'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { Failing, Stale, State } from '../app/states'
import { Figure } from '../canvas/figures'
import { StateBadge } from '../canvas/state-badge'
import { useCanvases } from '../services/canvases'
import type { CanvasRow } from '../services/shapes'

const APPLY = 'towpath canvas apply winback.yaml'

export function Canvases() {
  const { t } = useTranslation()
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useCanvases()
  const rows = data?.pages.flatMap((page) => page.items)
  useEffect(() => {
    document.title = `${t('canvases.title')} · Towpath`
  }, [t])
  return (
    <>
      {rows && <Stale error={error} />}
      <Box px={{ base: 'md', sm: 'xl' }} py="lg" maw={1080} mx="auto">
        <Group justify="space-between" mb="md" align="baseline">
          <Title order={1} fz="h2">{t('canvases.title')}</Title>
          {rows && rows.length > 0 && !hasNextPage && (
            <Text c="dimmed" fz="sm">{t('canvases.count', { count: rows.length })}</Text>
          )}
        </Group>
        {isPending && <Loading />}
        {!rows && error && <Failing error={error} again={() => void refetch()} />}
        {rows?.length === 0 && <Empty />}
        {rows && rows.length > 0 && <Rows rows={rows} />}
        {hasNextPage && (
          <Group justify="center" mt="md">
            <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {t('canvases.more')}
            </Button>
          </Group>
        )}
      </Box>
    </>
  )
}

function Rows({ rows }: { rows: CanvasRow[] }) {
  const { t } = useTranslation()
  return (
    <Paper withBorder radius="lg" style={{ overflow: 'hidden' }}>
      <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover layout="fixed">
        <Table.Thead className="heads">
          <Table.Tr>
            <Table.Th>{t('canvases.name')}</Table.Th>
            <Table.Th w={{ base: 132, sm: 160 }}>{t('canvases.state')}</Table.Th>
            <Table.Th w={110} ta="right" visibleFrom="sm">{t('canvases.version')}</Table.Th>
            <Table.Th w={{ base: 104, sm: 160 }} ta="right">{t('canvases.inside')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.id} className="row">
              <Table.Td style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>
                <Link to="/canvases/$canvas" params={{ canvas: row.id }} className="row-link">{row.name}</Link>
              </Table.Td>
              <Table.Td><StateBadge state={row.state} /></Table.Td>
              <Table.Td ta="right" className="figure" visibleFrom="sm">{row.version ?? '–'}</Table.Td>
              <Table.Td ta="right" fw={600}><Figure value={row.inside} name="inside" /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}

function Loading() {
  const { t } = useTranslation()
  return (
    <Paper withBorder radius="lg" p="md" role="status">
      <VisuallyHidden>{t('canvases.loading')}</VisuallyHidden>
      <Stack gap="md">
        {[0, 1, 2, 3].map((row) => (
          <Group key={row} wrap="nowrap" gap="xl">
            <Skeleton h={16} w={`${46 - row * 6}%`} /><Skeleton h={22} w={92} radius="xl" ml="auto" /><Skeleton h={16} w={64} />
          </Group>
        ))}
      </Stack>
    </Paper>
  )
}

function Empty() {
  const { t } = useTranslation()
  return (
    <Paper withBorder radius="lg">
      <State icon={RouteIcon} title={t('canvases.none')} told={t('canvases.none_told')}>
        <Code block>{APPLY}</Code>
        <Text c="dimmed" fz="sm">{t('canvases.none_then')}</Text>
      </State>
    </Paper>
  )
}
