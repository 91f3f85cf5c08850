/** The few service worker types we use: TypeScript's own (lib webworker) cannot be loaded beside lib dom. */

export interface Page {
  readonly id: string
  readonly type: string
  postMessage (message: any, transfer?: Transferable[]): void
}

export interface WorkerEvent extends Event {
  waitUntil (work: Promise<unknown>): void
}

export interface FetchEvent extends WorkerEvent {
  readonly request: Request
  readonly clientId: string
  respondWith (response: Promise<Response>): void
}

export interface WorkerMessageEvent extends MessageEvent {
  readonly source: any
  waitUntil (work: Promise<unknown>): void
}

export interface Scope {
  readonly location: { readonly origin: string }
  /** 'guest': in a site's own worker. */
  readonly liveTorrent?: unknown
  readonly clients: {
    get (id: string): Promise<Page | undefined>
    claim (): Promise<void>
  }
  skipWaiting (): Promise<void>
  addEventListener (type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void
  addEventListener (type: 'fetch', listener: (event: FetchEvent) => void): void
  addEventListener (type: 'message', listener: (event: WorkerMessageEvent) => void): void
}
