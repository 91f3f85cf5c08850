/** Node's modules without types of their own here; what is used of them. */
declare module 'node:fs' {
  export function mkdirSync (path: URL, options: { recursive: boolean }): void
  export function writeFileSync (path: URL, text: string): void
}
declare module 'node:os' {
  export function cpus (): object[]
  export function loadavg (): number[]
}
declare module 'node:util' {
  export function parseArgs<T extends Record<string, { type: 'string' | 'boolean', default: string | boolean }>> (config: { options: T }):
    { values: { [K in keyof T]: T[K]['type'] extends 'string' ? string : boolean } }
}
declare const process: { exitCode: number, version: string }
