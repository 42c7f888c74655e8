// Zones of a grid in the order of their tree.
import type { Zone } from './api'

/** A zone before those under it, each level by name. */
export function tree(zones: Zone[]): Zone[] {
  const under = (parent: string): Zone[] =>
    zones.filter((z) => z.parent === parent).sort((a, b) => a.name.localeCompare(b.name)).flatMap((z) => [z, ...under(z.zone)])
  const list = under('0')
  return list.length === zones.length ? list : zones
}
