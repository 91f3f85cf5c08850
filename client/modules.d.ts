/** Packages without types of their own; what we use of them is written beside the use. */
declare module 'webtorrent' {
  const WebTorrent: new (options: object) => any
  export default WebTorrent
}
declare module 'bittorrent-tracker' {
  export const Client: new (options: object) => any
}
declare module 'streamx' {
  export class Duplex {
    constructor (options?: object)
    destroyed: boolean
    on (event: string, listener: (...args: any[]) => void): this
    once (event: string, listener: (...args: any[]) => void): this
    push (bytes: Uint8Array | null): boolean
    destroy (error?: Error): this
    _write (bytes: Uint8Array, done: (error?: Error | null) => void): void
    _destroy (done: (error?: Error | null) => void): void
  }
}
