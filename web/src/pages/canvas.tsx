// A Canvas with its live counters: the drawing, or the same cards as a list, and a panel for a step.
import { Box, Button, Center, Group, Loader, SegmentedControl, Text, Title } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ReactFlowProvider } from '@xyflow/react'
import { Compass, FlaskConical, PauseCircle, Route as RouteIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { HEADER_HEIGHT } from '../app/frame'
import { canvasRoute } from '../app/router'
import { Failing, Stale, State } from '../app/states'
import { Figure } from '../canvas/figures'
import { Goals } from '../canvas/goals'
import { Panel } from '../canvas/panel'
import { Sheet } from '../canvas/sheet'
import { StateBadge, tint } from '../canvas/state-badge'
import { StepList } from '../canvas/step-list'
import { Troubles } from '../canvas/trouble'
import { canvasQuery } from '../services/canvases'
import { begin, useFollow, useLive } from '../services/live'
import type { CanvasPage as Canvas } from '../services/shapes'
import { moment, zone } from '../words'

export function CanvasPage() {
  const { t } = useTranslation()
  const { canvas } = canvasRoute.useParams()
  const { data, error, isPending, refetch } = useQuery(canvasQuery(canvas))
  if (isPending) return <Center mih="60dvh" role="status"><Loader aria-label={t('canvas.loading')} /></Center>
  if (!data) return <Failing error={error} again={() => void refetch()} missing={<NoCanvas />} />
  return <Open key={canvas} canvas={data} error={error} />
}

function Open({ canvas, error }: { canvas: Canvas; error: unknown }) {
  const { t } = useTranslation()
  const narrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false
  const { view = narrow ? 'list' : 'drawing', step = null } = canvasRoute.useSearch()
  const navigate = useNavigate({ from: canvasRoute.fullPath })
  useState(() => begin(canvas)) // before the first card is drawn
  useFollow(canvas.id)
  useReadAgain(canvas, error)
  useEffect(() => {
    document.title = `${canvas.name} · Towpath`
  }, [canvas.name])
  const choose = (chosen: string | null) =>
    void navigate({ search: ({ step: _, ...was }) => (chosen ? { ...was, step: chosen } : was), replace: true })
  const chosen = step && canvas.graph.steps[step] ? step : null
  return (
    <Box h={`calc(100dvh - ${HEADER_HEIGHT}px)`} style={{ display: 'flex', flexDirection: 'column' }}>
      {canvas.sandbox && (
        <div className="sandbox" role="note">
          <FlaskConical size={14} aria-hidden /><b>{t('app.sandbox')}</b><span>{t('app.sandbox_told')}</span>
        </div>
      )}
      <Stale error={error} />
      <Head canvas={canvas} view={view} setView={(to) => void navigate({ search: (was) => ({ ...was, view: to }), replace: true })} />
      <Goals goals={canvas.conversions} />
      <Held canvas={canvas} />
      <Troubles troubles={canvas.troubles} />
      <Box style={{ flex: 1, minHeight: 0, display: 'flex', position: 'relative' }}>
        <Box component="section" aria-label={t('canvas.steps', { name: canvas.name })}
          style={{ flex: 1, minWidth: 0, position: 'relative' }}>
          {Object.keys(canvas.graph.steps).length === 0 ? (
            <State icon={RouteIcon} title={t('canvas.empty')} told={t('canvas.empty_told')} />
          ) : view === 'list' ? (
            <StepList graph={canvas.graph} chosen={chosen} choose={choose} />
          ) : (
            <ReactFlowProvider><Sheet graph={canvas.graph} chosen={chosen} choose={choose} /></ReactFlowProvider>
          )}
        </Box>
        {chosen && (
          <Panel id={chosen} step={canvas.graph.steps[chosen]!} reasons={canvas.reasons[chosen]}
            trouble={canvas.troubles[chosen]} close={() => choose(null)} />
        )}
      </Box>
    </Box>
  )
}

type HeadParts = { canvas: Canvas; view: string; setView: (view: 'drawing' | 'list') => void }

function Head({ canvas, view, setView }: HeadParts) {
  const { t, i18n } = useTranslation()
  const state = useLive((live) => live.state) ?? canvas.state
  const inside = useLive((live) => Object.values(live.standing).reduce((sum, people) => sum + people, 0))
  const { version } = canvas
  return (
    <Group component="header" px="md" py={10} gap="md" justify="space-between" wrap="wrap"
      style={{ borderBottom: '1px solid var(--card-line)' }}>
      <Box style={{ minWidth: 0, flex: '1 1 280px' }}>
        <Group gap="sm" wrap="nowrap">
          <Title order={1} fz="h3" lineClamp={1} title={canvas.name}>{canvas.name}</Title>
          <StateBadge state={state} />
        </Group>
        <Text c="dimmed" fz={12.5} mt={2} lineClamp={1}>
          {version ? (
            <>
              {t('canvas.version', { number: version.number })},{' '}
              <span title={version.launched_at}>
                {t('canvas.launched', { when: moment(version.launched_at, i18n.language) })}
              </span>
              {canvas.versions.length > 1 && <>{' · '}{t('canvas.versions_together', { number: canvas.versions.length })}</>}
              {' · '}{t('canvas.zone', { zone: zone() })}
              {canvas.draft_differs && <>{' · '}{t('canvas.draft_differs')}</>}
            </>
          ) : t('canvas.never')}
        </Text>
      </Box>
      <Group gap="md" wrap="nowrap">
        <LiveMark />
        <Text fz="sm" style={{ whiteSpace: 'nowrap' }}>
          <Text span fw={650}><Figure value={inside} name="inside" /></Text>{' '}
          <Text span c="dimmed" fz={12.5}>{t('canvas.inside')}</Text>
        </Text>
        <SegmentedControl size="xs" value={view} onChange={(to) => setView(to as 'drawing' | 'list')}
          aria-label={t('canvas.view')}
          data={[{ value: 'drawing', label: t('canvas.drawing') }, { value: 'list', label: t('canvas.list') }]} />
      </Group>
    </Group>
  )
}

function LiveMark() {
  const { t } = useTranslation()
  const link = useLive((live) => live.link)
  return <span className="live" data-live={link} role="status"><i aria-hidden />{t(`live.${link}`)}</span>
}

/** Why nothing moves, where that is so. */
function Held({ canvas }: { canvas: Canvas }) {
  const { t } = useTranslation()
  const state = useLive((live) => live.state) ?? canvas.state
  if (state === 'running') return null
  return (
    <div className="held" role="note" style={tint(state === 'paused' ? 'yellow' : 'gray')}>
      <PauseCircle size={16} aria-hidden />{t(`canvas.${state}_told`)}
    </div>
  )
}

/** Somebody launched or saved it meanwhile: the drawing is another one. Or it could not be read, and
 * the stream is back: so is the rest. */
function useReadAgain(canvas: Canvas, error: unknown) {
  const client = useQueryClient()
  const version = useLive((live) => live.version)
  const revision = useLive((live) => live.revision)
  const link = useLive((live) => live.link)
  useEffect(() => {
    if (error && link === 'on') void client.invalidateQueries({ queryKey: ['canvas', canvas.id] })
  }, [client, canvas.id, error, link])
  useEffect(() => {
    const same = version === (canvas.version?.number ?? null) && (revision ?? canvas.revision) === canvas.revision
    if (!same) void client.invalidateQueries({ queryKey: ['canvas', canvas.id] })
  }, [client, canvas, version, revision])
}

function NoCanvas() {
  const { t } = useTranslation()
  return (
    <State icon={Compass} title={t('failing.no_canvas')} told={t('failing.no_canvas_told')}>
      <Button component={Link} to="/canvases" variant="light">{t('canvas.back')}</Button>
    </State>
  )
}
