// An arrow between two cards: as thick as its share of all who entered, with how many went along it.
import { BaseEdge, EdgeLabelRenderer, type Edge, type EdgeProps, getSmoothStepPath } from '@xyflow/react'
import { memo, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { edgeKey, useLive } from '../services/live'
import { type Arrow, CARD_WIDTH } from './drawing'
import { Figure } from './figures'
import { wayLabel } from './kinds'

export type ArrowEdge = Edge<{ arrow: Arrow }, 'arrow'>

const THIN = 2
const THICK = 16
const MOVING_MS = 2_500
const LABEL_ABOVE = 20
const TURN = 20
const LABEL_BELOW = 20
const LABEL_ROW = 22 // labels that stand side by side under a card do so in two rows

export const ArrowView = memo(function ArrowView(edge: EdgeProps<ArrowEdge>) {
  const { t } = useTranslation()
  const { arrow } = edge.data!
  const key = edgeKey(arrow.step, arrow.way.edge)
  const people = useLive((live) => live.edges[key]) ?? 0
  const all = useLive((live) => live.edges[edgeKey('(entry)', 'entered')]) ?? 0
  const moving = useMoving(useLive((live) => live.moved[key]))
  const width = people && all ? THIN + (THICK - THIN) * Math.min(1, people / all) : THIN
  const branch = arrow.ways > 1
  // Arrows that part turn at once, and those that meet turn late: each goes down a lane of its own.
  const centerY = arrow.joins ? edge.targetY - TURN : edge.sourceY + TURN
  const [path] = getSmoothStepPath({ ...edge, borderRadius: 14, centerY })
  // Above the child, where branches are far apart; but where arrows meet, at the source.
  const x = branch && !arrow.joins ? edge.targetX : edge.sourceX
  const row = branch ? (arrow.place % 2) * LABEL_ROW : 0
  const y = branch && !arrow.joins ? edge.targetY - LABEL_ABOVE : edge.sourceY + LABEL_BELOW + row
  const maxWidth = branch && arrow.joins ? (2 * CARD_WIDTH) / (arrow.ways + 1) - 6 : undefined
  return (
    <>
      <BaseEdge id={edge.id} path={path} className="flow" data-empty={people ? undefined : ''}
        style={{ strokeWidth: width }} />
      {moving && <path d={path} className="flow-now" />}
      <EdgeLabelRenderer>
        <div className="flow-label" data-edge={key}
          style={{ maxWidth, transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}>
          {branch && <span>{wayLabel(arrow.way, t)}</span>}
          <Figure value={people} name="people" />
        </div>
      </EdgeLabelRenderer>
    </>
  )
})

/** Did somebody go along it a moment ago? */
function useMoving(at: number | undefined): boolean {
  const [moving, setMoving] = useState(false)
  useEffect(() => {
    if (!at) return
    setMoving(true)
    const timer = setTimeout(() => setMoving(false), MOVING_MS)
    return () => clearTimeout(timer)
  }, [at])
  return moving
}
