export interface ScheduledEvent {
  readonly at: number
  readonly order: number

  /**
   * `undefined` once it was called off
   */
  callback: (() => void) | undefined
}

/**
 * Events by time. Those of the same time come in the order in which they were added.
 */
export class EventHeap {
  private readonly events: ScheduledEvent[] = []
  private count = 0

  add (at: number, callback: () => void): ScheduledEvent {
    const event: ScheduledEvent = { at, order: this.count++, callback }
    this.rise(event)

    return event
  }

  /**
   * The first event, unless it is later than `end`
   */
  take (end: number): ScheduledEvent | undefined {
    const [first] = this.events

    if (first == null || first.at > end) {
      return
    }

    const last = this.events.pop()

    if (last != null && last !== first) {
      this.sink(last)
    }

    return first
  }

  private rise (event: ScheduledEvent): void {
    const { events } = this
    let place = events.length

    while (place > 0) {
      const parent = (place - 1) >> 1

      if (!isBefore(event, events[parent])) {
        break
      }

      events[place] = events[parent]
      place = parent
    }

    events[place] = event
  }

  /**
   * The first place is free: everything moves up that comes before this event
   */
  private sink (event: ScheduledEvent): void {
    const { events } = this
    let place = 0

    for (;;) {
      let child = place * 2 + 1

      if (child >= events.length) {
        break
      }

      if (child + 1 < events.length && isBefore(events[child + 1], events[child])) {
        child++
      }

      if (!isBefore(events[child], event)) {
        break
      }

      events[place] = events[child]
      place = child
    }

    events[place] = event
  }
}

function isBefore (a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
