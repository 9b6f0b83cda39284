// The drawing on screen: cards and arrows on a sheet that is dragged, zoomed and walked by keyboard.
import {
  Background, BackgroundVariant, Controls, Handle, MiniMap, type Node, type NodeProps, Position, ReactFlow, useReactFlow, useStoreApi, type Viewport,
} from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { type KeyboardEvent, useEffect, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Graph } from '../services/shapes'
import { type ArrowEdge, ArrowView } from './arrow'
import { EntryCard, Leaves, StepCard } from './card'
import { type Drawing, draw, occasions, type Spot } from './drawing'
import { ENTRY, kindName, kindOf } from './kinds'

type SpotNode = Node<{ spot: Spot; graph: Graph; ways: number }, 'spot'>

const nodeTypes = { spot: SpotView }
const edgeTypes = { arrow: ArrowView }
const DRAWN_WHOLE_MAX = 120 // above, only what is in view is drawn
const FIT = { padding: 0.06, maxZoom: 1.1 }
const MARGIN = 28
const READABLE = 0.8 // figures can be read from this zoom on
const LEAST = 0.5

type SheetParts = { graph: Graph; chosen: string | null; choose: (step: string | null) => void }

export function Sheet({ graph, chosen, choose }: SheetParts) {
  const { t } = useTranslation()
  const drawing = useMemo(() => draw(graph), [graph])
  const { nodes, edges } = useMemo(() => onSheet(graph, drawing, t), [graph, drawing, t])
  const [fits, setFits] = useState(true)
  const shown = useMemo(() => nodes.map((node) => ({ ...node, selected: node.id === chosen })), [nodes, chosen])
  useInView(drawing, chosen)
  return (
    <div className="drawing" data-testid="drawing" onKeyDownCapture={keepKey}>
      <ReactFlow<SpotNode, ArrowEdge>
        nodes={shown}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onInit={(flow) => {
          const { view, whole } = firstView(drawing, document.querySelector('.drawing'))
          setFits(whole)
          void flow.setViewport(view)
        }}
        minZoom={0.1}
        maxZoom={2}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        onlyRenderVisibleElements={nodes.length > DRAWN_WHOLE_MAX}
        onNodesChange={(changes) => {
          for (const change of changes) {
            if (change.type === 'select' && change.selected) choose(isStep(graph, change.id) ? change.id : null)
          }
        }}
        onPaneClick={() => choose(null)}
        ariaLabelConfig={{
          'controls.ariaLabel': t('canvas.controls'),
          'controls.zoomIn.ariaLabel': t('canvas.zoom_in'),
          'controls.zoomOut.ariaLabel': t('canvas.zoom_out'),
          'controls.fitView.ariaLabel': t('canvas.fit'),
          'node.a11yDescription.default': '',
        }}
      >
        <Background variant={BackgroundVariant.Dots} gap={22} size={1.4} color="var(--sheet-dot)" />
        <Controls showInteractive={false} fitViewOptions={FIT} position="bottom-left" />
        {!fits && <MiniMap<SpotNode> pannable zoomable ariaLabel={null} position="bottom-right" nodeBorderRadius={24} style={{ width: 150, height: 110 }}
          nodeColor={(node) => `var(--tone-${toneOf(graph, node.data.spot)})`} />}
      </ReactFlow>
    </div>
  )
}

/** Enter on a card opens the panel, whose button takes the focus: it must not be pressed by the same key. */
function keepKey(event: KeyboardEvent) {
  const card = event.target instanceof Element && event.target.classList.contains('react-flow__node')
  if (card && (event.key === 'Enter' || event.key === ' ')) event.preventDefault()
}

const isStep = (graph: Graph, id: string) => id in graph.steps

function toneOf(graph: Graph, spot: Spot): string {
  const step = graph.steps[spot.id]
  return step ? kindOf(step).tone : spot.shape === 'entry' ? ENTRY.tone : 'gray'
}

/** The whole drawing where it can be read whole; else its top, as large as is needed to read it. */
function firstView(drawing: Drawing, window: Element | null): { view: Viewport; whole: boolean } {
  const { clientWidth: width, clientHeight: height } = window ?? document.documentElement
  const right = Math.max(...drawing.spots.map((spot) => spot.x + spot.width))
  const bottom = Math.max(...drawing.spots.map((spot) => spot.y + spot.height))
  const across = (width - 2 * MARGIN) / right
  const whole = Math.min(across, (height - 2 * MARGIN) / bottom, FIT.maxZoom)
  const zoom = Math.max(whole, Math.min(across, READABLE), LEAST)
  const y = Math.max(MARGIN, (height - bottom * zoom) / 2)
  return { view: { x: (width - right * zoom) / 2, y, zoom }, whole: whole >= zoom }
}

/** What was chosen must not hide: behind the panel, or outside of the window. */
function useInView(drawing: Drawing, chosen: string | null) {
  const flow = useReactFlow()
  const store = useStoreApi()
  useEffect(() => {
    const timer = setTimeout(() => {
      const spot = drawing.spots.find((one) => one.id === chosen)
      if (!spot) return
      const { x, y, zoom } = flow.getViewport()
      const { width, height } = store.getState()
      const left = spot.x * zoom + x
      const top = spot.y * zoom + y
      const seen =
        left >= 0 && top >= 0 && left + spot.width * zoom <= width && top + spot.height * zoom <= height
      if (!seen) void flow.setCenter(spot.x + spot.width / 2, spot.y + spot.height / 2, { zoom, duration: 250 })
    }, 80)
    return () => clearTimeout(timer)
  }, [chosen, drawing, flow, store])
}

function onSheet(graph: Graph, { spots, arrows }: Drawing, t: ReturnType<typeof useTranslation>['t']) {
  const nodes: SpotNode[] = spots.map((spot) => {
    const step = graph.steps[spot.id]
    const ways = arrows.reduce((count, arrow) => (arrow.from === spot.id ? count + 1 : count), 0)
    return {
      id: spot.id,
      type: 'spot',
      position: { x: spot.x, y: spot.y },
      width: spot.width,
      height: spot.height,
      data: { spot, graph, ways },
      selectable: Boolean(step),
      focusable: spot.shape !== 'leaves',
      ariaLabel: step ? `${kindName(step, t)}: ${kindOf(step).title(step, t)}` : t('step.entry'),
    }
  })
  const edges: ArrowEdge[] = arrows.map((arrow) => ({
    id: arrow.id,
    type: 'arrow',
    source: arrow.from,
    target: arrow.to,
    sourceHandle: String(arrow.place),
    data: { arrow },
    selectable: false,
    ariaRole: 'img',
  }))
  return { nodes, edges }
}

function SpotView({ data: { spot, graph, ways }, selected }: NodeProps<SpotNode>) {
  return (
    <>
      {spot.shape !== 'entry' && <Handle type="target" position={Position.Top} />}
      {spot.shape === 'entry' && <EntryCard entry={graph.entry} />}
      {spot.shape === 'leaves' && <Leaves />}
      {spot.shape === 'step' && (
        <StepCard
          id={spot.id}
          step={graph.steps[spot.id]!}
          chosen={Boolean(selected)}
          on={occasions(graph, spot.id)}
        />
      )}
      {Array.from({ length: ways }, (_, place) => (
        <Handle key={place} id={String(place)} type="source" position={Position.Bottom}
          style={{ left: `${(100 * (place + 1)) / (ways + 1)}%` }} />
      ))}
    </>
  )
}
