/**
 * Values that cross the client's modules. Everything here is data or a narrow interface; nothing acts.
 */

/** Where a segment's bytes came from. `mixed`: peers and origin both gave pieces of it. */
export type Source = 'peers' | 'origin' | 'seed' | 'mixed'

/**
 * Which way segments take. `service-worker`: it answers whatever player is on the page; `loader`: hls.js asks the engine
 * itself; `http`: no peers, as with any player.
 */
export type Mode = 'service-worker' | 'loader' | 'http'

/** `off`: no peers, no announce; `ask`: the same until the viewer says yes. */
export type Sharing = 'on' | 'ask' | 'off'

/** What operator or page allows; what is left out is not restricted by them. Of two, the stricter counts. */
export interface Terms {
  /** Default `on`; true and false are `on` and `off`. */
  sharing?: Sharing | boolean
  /** Uploading at most, bytes/s (default 5,000,000: more than most lines at home can send); 0: take, and give nothing. */
  maxUpload?: number
  /** Bytes uploaded at most for each byte of media received (default: no bound). */
  maxRatio?: number
  /** No links are made while the tracker counts fewer viewers, this one too (default 1). */
  minViewers?: number
  /** Upload on lines that are cellular, or as slow as 2G (default false). */
  uploadOnCellular?: boolean
  /** Upload while the tab is hidden (default false). */
  uploadWhenHidden?: boolean
  /** `relay`: peers are reached through TURN servers alone, and learn no address of this viewer (default `all`). */
  iceTransportPolicy?: 'all' | 'relay'
}

/**
 * `p2p-only`: the loader, and segments come from peers and the server's seed alone, never over HTTP; without a yes to
 * peers, from nowhere.
 */
export type WantedMode = Mode | 'p2p-only'

/** First byte and the one after the last. */
export type ByteRange = [start: number, end: number]

/** One line of the segments read-out, newest last; bounded by stats.js. */
export interface SegmentRecord {
  /** Media sequence number; picture and audio of its own count each for themselves. */
  msn: number
  source: Source
  /** Time from the first want to the last verified byte, ms. */
  ms: number
  /** Bytes of the segment, and how many of them peers gave. */
  bytes: number
  fromPeers: number
  /** `performance.now()` when it was complete. */
  at: number
}

/** What `window.liveTorrent.stats()` returns: a frozen snapshot. Byte counts are media bytes. */
export interface Snapshot {
  bytesFromPeers: number
  /** Media bytes fetched over HTTP, rejected and duplicate ones too. */
  bytesFromOrigin: number
  /** From the server's libtorrent seed over WebRTC. */
  bytesFromSeed: number
  /** Uploaded. */
  bytesToPeers: number
  /** Open mesh connections. */
  peers: number
  /** RTCPeerConnections made since the page opened. */
  connectionsMade: number
  /** bytesFromPeers ÷ (peers + origin + seed), 0..1; 0 before anything arrived. */
  offload: number
  /** Seconds behind the live edge; null when unknown. */
  latencySeconds: number | null
  /** Seconds of media ahead of the play head. */
  bufferSeconds: number
  /** How often playback ran dry. */
  stalls: number
  /** The latest, oldest first. */
  segments: SegmentRecord[]
  mode: Mode
  /** The viewer's switch: whether this page has peers, and would give them something. */
  sharing: boolean
  /** What operator and page allow together. */
  terms: Readonly<Required<Terms>>
  /** Why peer-to-peer is not working, one line for people; '' when it works or is alone. */
  trouble: string
}

export interface FetchedPlaylist {
  /** Final URL after redirects: relative URIs resolve against it. */
  url: string
  status: number
  contentType: string
  text: string
  /** When it began to come, ms of `performance.now()`: how old it is tells a player where the live edge is by now. */
  at: number
}

/** Verified bytes so far, of how many, and whether the origin is sending some of the rest now. */
export type Progress = (bytes: number, total: number, fetched: boolean) => void

export interface WaitOptions {
  signal?: AbortSignal
  onProgress?: Progress
  /** Called at most once, when a segment that is not complete begins to be there: its first bytes, verified, and its size. */
  onBegin?: (first: Uint8Array<ArrayBuffer>, size: number) => void
}

export interface FetchedSegment {
  /** The caller's own: a copy, to be transferred or changed at will. */
  data: ArrayBuffer
  contentType: string
  source: Source
  /** From when it was first wanted, by the player or for others, to the last verified byte, ms. */
  ms: number
  /** Seconds. */
  duration: number
  /** What the line to the origin was measured to carry, bytes per ms; 0 before the first fetch. */
  originRate: number
}

/** How the player is doing, sampled by the engine for deadlines and statistics. */
export interface PlayerState {
  /** Seconds of media buffered ahead of the play head. */
  bufferSeconds: number
  /** Seconds behind the live edge, null if unknown. */
  latencySeconds: number | null
  playbackRate: number
  paused: boolean
  stalls: number
}

/** The one object loader, bridge and pages talk to. Made by `createEngine` in engine.js. */
export interface Engine {
  mode: Mode
  /** Segments must not be fetched over HTTP, by nobody. */
  readonly p2pOnly: boolean
  /**
   * Ask for a playlist before the player does, and for that of its only variant; meet the viewers of the stream that
   * it names meanwhile. Never rejects: whoever asks for the playlist is told.
   */
  begin (url: string): void
  /**
   * Fetch a playlist (from the origin, never from peers) and learn its segments, torrents and swarm.
   * Rejects with AbortError when aborted, OriginError (has .status) when the origin fails.
   */
  playlist (url: string, options?: { signal?: AbortSignal }): Promise<FetchedPlaylist>
  /** Learn a playlist that the player asked somebody else for. */
  learn (fetched: FetchedPlaylist): void
  /** Whether this URL, or exactly this range of it, is a segment some learned playlist lists with a torrent. */
  knows (url: string, range?: ByteRange): boolean
  /**
   * Verified bytes of a known segment, from peers or origin. Concurrent calls for one URL share the work.
   * Rejects with AbortError; with IntegrityError when all that came did not match the manifest (nothing
   * must be played then); or an Error when neither peers nor origin could give it: the caller may then fetch
   * the URL itself.
   */
  segment (url: string, options?: WaitOptions & { range?: ByteRange }): Promise<FetchedSegment>
  /** The player whose buffer sets the deadlines; null when it is gone. */
  setPlayer (sample: (() => PlayerState) | null): void
  /**
   * The viewer's word, for all players of the page; remembered. No: leave all peers. Yes: have peers, if operator and
   * page allow it.
   */
  setSharing (on: boolean): void
  stats (): Snapshot
  /** Stop everything in order; idempotent. */
  close (): Promise<void>
}

export interface EngineOptions extends Terms {
  /** What `stats` says of it; the engine itself only tells `http` and `p2p-only` from the rest. */
  mode: WantedMode
  /** Mesh connections at most (default 12); up to three of them are left to newcomers. */
  maxPeers?: number
  /** ICE servers besides the operator's; unusable ones are reported in `trouble`, never thrown. */
  iceServers?: (string | RTCIceServer)[]
  /**
   * The viewer has to be asked (`ask`): call `answer`, then or later. Aborted when the question is out of place: it was
   * answered elsewhere, or the player is gone. Without it nobody is asked, and the answer is no until `setSharing`.
   */
  onAsk?: (answer: (yes: boolean) => void, signal: AbortSignal) => void
  /** Told of each segment once it is complete and verified. */
  onSegment?: (segment: SegmentRecord) => void
  /** Told, a line each, what only someone who looks into it wants to know: peers that come and go, what failed. */
  log?: (line: string) => void
}
