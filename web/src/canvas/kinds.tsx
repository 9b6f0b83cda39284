// The kinds of steps: how each looks, where its ways lead, and how it is told in a line.
//
// A new kind costs an entry in KINDS and its words.
import type { TFunction } from 'i18next'
import {
  Clock, DoorOpen, FlaskConical, LogOut, type LucideIcon, MousePointerClick, Split, Target, UserPen, UsersRound,
  Webhook as WebhookIcon, Workflow,
} from 'lucide-react'
import type { Data, Graph, StepData } from '../services/shapes'
import { filterText, spanText, text, triggersText, untilText } from './telling'

/** A way out of a step; `to` is null where it leads out of the Canvas. */
export type Way = { readonly edge: string; readonly label: string | null; readonly to: string | null }

export type Look = { readonly icon: LucideIcon; readonly tone: string }

type Kind = Look & {
  readonly ways: (step: Data) => Way[]
  readonly title: (step: Data, t: TFunction) => string
  readonly note?: (step: Data, t: TFunction) => string
}

const way = (edge: string, to: unknown, label: string | null = null): Way => ({
  edge, label, to: typeof to === 'string' ? to : null,
})
const on = (step: Data): Way[] => [way('next', step.next)]

const named = (step: Data): Way[] =>
  (Array.isArray(step.paths) ? (step.paths as Data[]) : []).map((path) => way(text(path.name), path.next, text(path.name)))

/** Paths with names; the others go by `else`. */
const paths = (step: Data): Way[] => [...named(step), way('else', step.else, 'edge.else')]

/** Paths by lot, the control group last. */
function lots(step: Data): Way[] {
  const control = step.control as Data | null | undefined
  return control ? [...named(step), way('control', control.next, 'edge.control')] : named(step)
}

/** Whoever lacks the date to wait for leaves, unless the step says that they go on. */
function delayed(step: Data): Way[] {
  const dated = typeof step.until === 'object' && step.until !== null && 'attribute' in step.until
  const [next] = on(step)
  if (!dated || step.missing === 'next') return [next!]
  return [{ ...next!, label: 'edge.next' }, way('missing', null, 'edge.missing')]
}

/** Whose call failed for good goes on with the others, unless the step says otherwise. */
function called(step: Data): Way[] {
  const [next] = on(step)
  if (!step.failed && step.on_error !== 'exit') return [next!]
  return [{ ...next!, label: 'edge.next' }, way('failed', step.failed, 'edge.failed')]
}

const pathsTitle = (step: Data, t: TFunction) => t('title.paths', { count: named(step).length })

const KINDS: { readonly [kind: string]: Kind } = {
  delay: {
    icon: Clock, tone: 'blue', ways: delayed,
    title: (step, t) => {
      if (typeof step.for === 'string') return t('title.delay', { span: spanText(step.for, t) })
      return step.until ? t('title.until', { when: untilText(step.until, t) }) : t('title.unset')
    },
  },
  decision_split: {
    icon: Split, tone: 'violet',
    ways: (step) => [way('yes', step.yes, 'edge.yes'), way('no', step.no, 'edge.no')],
    title: (step, t) => (step.if ? filterText(step.if, t) : t('title.unset')),
  },
  audience_sync: {
    icon: Target, tone: 'pink', ways: on,
    title: (step, t) => {
      const audience = audienceName(step)
      return audience ? t(step.action === 'remove' ? 'title.remove' : 'title.add', { audience }) : t('title.sync_unset')
    },
    note: (step, t) => {
      const fields = Array.isArray(step.fields) ? step.fields.map((one) => t(`field.${one}`, text(one))) : []
      return fields.length ? t('note.fields', { fields: fields.join(', ') }) : ''
    },
  },
  audience_paths: { icon: UsersRound, tone: 'purple', ways: paths, title: pathsTitle },
  action_paths: { icon: MousePointerClick, tone: 'purple', ways: paths, title: pathsTitle },
  experiment_paths: { icon: FlaskConical, tone: 'red', ways: lots, title: pathsTitle },
  user_update: { icon: UserPen, tone: 'green', ways: on, title: (_, t) => t('title.user_update') },
  webhook: {
    icon: WebhookIcon, tone: 'orange', ways: called,
    title: (step, t) => {
      const host = /^https?:\/\/([^/?#{]+)/.exec(text(step.url))?.[1]
      return host ? t('title.webhook_to', { host }) : t('title.webhook')
    },
  },
  exit: { icon: LogOut, tone: 'gray', ways: () => [], title: (_, t) => t('title.exit') },
}

const UNKNOWN: Kind = { icon: Workflow, tone: 'gray', ways: on, title: (step) => text(step.kind) }
export const ENTRY: Look = { icon: DoorOpen, tone: 'teal' }

/** The kind of a step; one that we do not know yet is drawn plainly instead of not at all. */
export const kindOf = (step: StepData): Kind => KINDS[step.kind] ?? UNKNOWN
export const isSync = (step: StepData) => step.kind === 'audience_sync'

export const kindName = (step: StepData, t: TFunction) =>
  step.kind in KINDS ? t(`step.${step.kind}`) : t('step.unknown')

/** The label of a way: one of our words, or the name that somebody gave. */
export const wayLabel = (found: Way, t: TFunction) =>
  found.label?.startsWith('edge.') ? t(found.label) : (found.label ?? '')

export function entryTitle(entry: Graph['entry'], t: TFunction, when: (iso: string) => string): string {
  if (entry.at === 'launch') return t('title.at_launch')
  if (typeof entry.at === 'string') return t('title.at_time', { when: when(entry.at) })
  if (entry.schedule) return t('title.scheduled')
  if (entry.on) return t('title.by_event', { what: triggersText(entry.on, t) })
  if (entry.by === 'api') return t('title.by_api')
  return t('title.unset')
}

export function reentryText(entry: Graph['entry'], t: TFunction): string {
  const rule = entry.reentry
  if (rule === 'always') return t('note.reentry_always')
  if (rule && typeof rule === 'object') {
    return t('note.reentry_after', { span: spanText(text((rule as Data).after), t) })
  }
  return t('note.reentry_never')
}

function audienceName(step: Data): string {
  const audience = (step.audience ?? {}) as Data
  return text(audience.create) || text(audience.name) || text(audience.id)
}
