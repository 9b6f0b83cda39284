// Where everything of a Canvas stands: pure, so that the same graph always gives the same drawing.
//
// dagre lays out from the top down. Steps are fed depth first, branch after branch, and its own
// reordering is off: with it, dagre swaps branches now and then ("No" left of "Yes").
import dagre from '@dagrejs/dagre'
import type { Graph } from '../services/shapes'
import { isSync, kindOf, type Way } from './kinds'

export const ENTRY_ID = '(entry)' // the engine's own name for the door
export const CARD_WIDTH = 288
const HEIGHT = { entry: 152, plain: 112, sync: 246, exit: 112, leaves: 30 }
const LEAVES_WIDTH = 148

export type Spot = {
  readonly id: string
  readonly shape: 'entry' | 'step' | 'leaves'
  readonly step: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export type Arrow = {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly step: string // whose tally of edges it is
  readonly way: Way
  readonly place: number // of its way, counted from the left
  readonly ways: number
  readonly joins: boolean // the target is reached by others too
}

export type Drawing = { readonly spots: readonly Spot[]; readonly arrows: readonly Arrow[] }

/** The steps as people reach them, branch after branch; then those that nobody reaches. */
export function walk(graph: Graph): string[] {
  const seen = new Set<string>()
  const ahead = [graph.entry.first]
  while (ahead.length) {
    const step = ahead.pop()
    const found = step ? graph.steps[step] : undefined
    if (!step || !found || seen.has(step)) continue
    seen.add(step)
    ahead.push(...kindOf(found).ways(found).map((way) => way.to).reverse())
  }
  const rest = Object.keys(graph.steps).filter((step) => !seen.has(step)).sort()
  return [...seen, ...rest]
}

export function draw(graph: Graph): Drawing {
  const order = walk(graph)
  const arrows = arrowsOf(graph, order)
  const sheet = new dagre.graphlib.Graph({ multigraph: true }).setDefaultEdgeLabel(() => ({}))
  sheet.setGraph({ rankdir: 'TB', nodesep: 44, ranksep: 84, marginx: 0, marginy: 0 })
  const shapes = new Map<string, Pick<Spot, 'shape' | 'step' | 'width' | 'height'>>()
  shapes.set(ENTRY_ID, { shape: 'entry', step: ENTRY_ID, width: CARD_WIDTH, height: HEIGHT.entry })
  for (const step of order) {
    const height = HEIGHT[heightOf(graph, step)]
    shapes.set(step, { shape: 'step', step, width: CARD_WIDTH, height })
    for (const arrow of arrows) {
      if (arrow.step === step && arrow.way.to === null) {
        shapes.set(arrow.to, { shape: 'leaves', step, width: LEAVES_WIDTH, height: HEIGHT.leaves })
      }
    }
  }
  for (const [id, { width, height }] of shapes) sheet.setNode(id, { width, height })
  for (const arrow of arrows) sheet.setEdge(arrow.from, arrow.to, {}, arrow.way.edge)
  dagre.layout(sheet, { disableOptimalOrderHeuristic: true })
  // dagre centres what stands side by side; tops in one line read better.
  const tallest = new Map<number, number>()
  for (const [id, { height }] of shapes) {
    const row = Math.round(sheet.node(id).y)
    tallest.set(row, Math.max(height, tallest.get(row) ?? 0))
  }
  const spots = [...shapes].map(([id, shape]) => {
    const { x, y } = sheet.node(id)
    return { id, ...shape, x: x - shape.width / 2, y: y - tallest.get(Math.round(y))! / 2 }
  })
  return { spots, arrows }
}

/** When people are taken out of an audience at a step that no arrow leads to; "" for any other. */
export function occasions(graph: Graph, step: string): string {
  const found = graph.removals?.filter((one) => one.step === step).flatMap((one) => one.on) ?? []
  return [...new Set(found)].join(' ')
}

/** The ways that lead to a step, for the list, which has no arrows. */
export function before(drawing: Drawing, step: string): Arrow[] {
  return drawing.arrows.filter((arrow) => arrow.to === step)
}

function arrowsOf(graph: Graph, order: string[]): Arrow[] {
  const arrows: Omit<Arrow, 'joins'>[] = []
  const { first } = graph.entry
  if (first && first in graph.steps) {
    const way = { edge: 'entered', label: null, to: first }
    arrows.push({ id: ENTRY_ID, from: ENTRY_ID, to: first, step: ENTRY_ID, way, place: 0, ways: 1 })
  }
  for (const step of order) {
    const ways = kindOf(graph.steps[step]!).ways(graph.steps[step]!)
    ways.forEach((way, place) => {
      const known = way.to !== null && way.to in graph.steps
      // A last step's only way out is told by its counters; a branch that leads out is drawn.
      if (!known && ways.length === 1) return
      const to = known ? way.to! : `${step} ${way.edge} leaves`
      const id = `${step} ${way.edge}`
      arrows.push({ id, from: step, to, step, way: known ? way : { ...way, to: null }, place, ways: ways.length })
    })
  }
  const reached = new Map<string, number>()
  for (const { to } of arrows) reached.set(to, (reached.get(to) ?? 0) + 1)
  return arrows.map((arrow) => ({ ...arrow, joins: reached.get(arrow.to)! > 1 }))
}

function heightOf(graph: Graph, step: string): keyof typeof HEIGHT {
  const found = graph.steps[step]!
  return isSync(found) ? 'sync' : found.kind === 'exit' ? 'exit' : 'plain'
}
