package gateway

import "time"

// Every is the length of a calendar window.
type Every string

// The calendar windows.
const (
	Hour    Every = "hour"
	Day     Every = "day"
	Week    Every = "week" // from Monday
	Month   Every = "month"
	Quarter Every = "quarter"
	Year    Every = "year"
)

// rollingSlots is how finely a rolling window moves.
const rollingSlots = 48

// Window is the time a budget is for: a part of the calendar in a zone, or the last so many hours. The zero Window is all
// time.
type Window struct {
	Every Every          // "" = rolling, or all time
	Zone  *time.Location // nil = UTC
	Over  time.Duration  // of a rolling window
}

// Slot is how long what was spent in a rolling window stays together: it leaves the window at once, when the last of it is
// too old. So a window holds no less than Over and at most a slot more. It is 0 for a window of the calendar.
func (w Window) Slot() time.Duration {
	if w.Every != "" || w.Over <= 0 {
		return 0
	}
	return max(w.Over/rollingSlots, time.Second).Truncate(time.Second)
}

// Begin returns when the window that holds a time begins; of a rolling one, its slot.
func (w Window) Begin(at time.Time) time.Time {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	if w.Every == "" {
		slot := w.Slot()
		if slot == 0 {
			return time.Unix(0, 0).UTC()
		}
		s := int64(slot / time.Second)
		return time.Unix(at.Unix()/s*s, 0).UTC()
	}
	t := at.In(zone)
	y, m, d := t.Date()
	switch w.Every {
	case Hour:
		// Not Truncate: zones are off by parts of an hour, and an hour that comes twice in autumn is two.
		return t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	case Week:
		d -= (int(t.Weekday()) + 6) % 7
	case Month:
		d = 1
	case Quarter:
		m, d = m-(m-1)%3, 1
	case Year:
		m, d = 1, 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// End returns when the window that holds a time ends; of a rolling one, when what is spent now has left it. The zero time
// means never.
func (w Window) End(at time.Time) time.Time {
	begin := w.Begin(at)
	y, m, d := begin.Date()
	switch w.Every {
	case Hour:
		return begin.Add(time.Hour)
	case Day:
		d++
	case Week:
		d += 7
	case Month:
		m++
	case Quarter:
		m += 3
	case Year:
		y++
	default:
		if w.Over <= 0 {
			return time.Time{}
		}
		return begin.Add(w.Slot() + w.Over)
	}
	return time.Date(y, m, d, 0, 0, 0, 0, begin.Location())
}

// Since returns the begin of the oldest slot that counts at a time; for a window of the calendar that is Begin.
func (w Window) Since(at time.Time) time.Time {
	if slot := w.Slot(); slot > 0 {
		return w.Begin(at.Add(-w.Over))
	}
	return w.Begin(at)
}
