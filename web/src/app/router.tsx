// The addresses of the pages. Everything but signing in asks first who is there.
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect,
} from '@tanstack/react-router'
import { Canvases } from '../pages/canvases'
import { SignIn } from '../pages/sign-in'
import { onlyCanvas } from '../services/canvases'
import { meQuery } from '../services/session'
import { Crashed, Failing, Missing } from './states'
import { Frame } from './frame'

const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Outlet,
  notFoundComponent: Missing,
  errorComponent: Crashed,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search): { next?: string } =>
    typeof search.next === 'string' && /^\/(?!\/)/.test(search.next) ? { next: search.next } : {},
  component: SignIn,
})

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context, location }) => {
    const me = await context.client.ensureQueryData(meQuery)
    if (!me) throw redirect({ to: '/sign-in', search: { next: location.href } })
  },
  component: Frame,
  notFoundComponent: Missing,
  errorComponent: ({ error, reset }) => <Failing error={error} again={reset} />,
})

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  // Until there is an overview: the one Canvas there is, or the list.
  beforeLoad: async ({ context }) => {
    const only = await onlyCanvas(context.client)
    if (only) throw redirect({ to: '/canvases/$canvas', params: { canvas: only }, replace: true })
    throw redirect({ to: '/canvases', replace: true })
  },
})

const canvases = createRoute({ getParentRoute: () => inside, path: '/canvases', component: Canvases })

export const canvasRoute = createRoute({
  getParentRoute: () => inside,
  path: '/canvases/$canvas',
  params: {
    parse: ({ canvas }) => ({ canvas: Number(canvas) }),
    stringify: ({ canvas }) => ({ canvas: String(canvas) }),
  },
  validateSearch: (search): { view?: 'drawing' | 'list'; step?: string } => ({
    ...(search.view === 'drawing' || search.view === 'list' ? { view: search.view } : {}),
    ...(typeof search.step === 'string' ? { step: search.step } : {}),
  }),
  component: lazyRouteComponent(() => import('../pages/canvas'), 'CanvasPage'),
})

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([signIn, inside.addChildren([home, canvases, canvasRoute])]),
    context: { client },
    defaultPreload: 'intent',
    defaultErrorComponent: Crashed,
    defaultNotFoundComponent: Missing,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
