// What a Canvas does now, as a dot and a word.
import type { CSSProperties } from 'react'
import { useTranslation } from 'react-i18next'
import type { CanvasState } from '../services/shapes'

const TONES: Record<CanvasState, string> = { draft: 'gray', running: 'green', paused: 'yellow', stopped: 'red' }

/** The pale and the deep shade of a colour, for what is drawn with them. */
export const tint = (tone: string) =>
  ({ '--tint': `var(--tint-${tone})`, '--tone': `var(--tone-${tone})` }) as CSSProperties

export function StateBadge({ state }: { state: CanvasState }) {
  const { t } = useTranslation()
  return <span className="state" data-state={state} style={tint(TONES[state])}><i aria-hidden />{t(`state.${state}`)}</span>
}
