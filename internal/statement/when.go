package statement

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"weir/internal/gateway"
	"weir/internal/nearest"
)

// periods are the words for the current hour, day and so on.
var periods = map[string]gateway.Every{
	"hour": gateway.Hour, "day": gateway.Day, "today": gateway.Day, "week": gateway.Week, "month": gateway.Month,
	"quarter": gateway.Quarter, "year": gateway.Year,
}

// periodWords lists them for messages.
var periodWords = []string{"hour", "today", "day", "week", "month", "quarter", "year", "yesterday", "last-month", "all"}

const whens = "such as 30d, 12h, today, week, month, last-month, 2026-11, 2026-11-01 or 2026-11-01T15:00:00Z"

// Since reads when a period begins: so long ago (30d, 12h, 2w), the begin of the current hour, day, week, month, quarter or
// year, of yesterday, of last-month, of a day or month that is named, a time, or "all".
func Since(text string, now time.Time, zone *time.Location) (time.Time, error) {
	from, _, err := stretch(text, now, zone)
	return from, err
}

// Until reads when a period ends. A day or month that is named belongs to it to its end.
func Until(text string, now time.Time, zone *time.Location) (time.Time, error) {
	_, to, err := stretch(text, now, zone)
	return to, err
}

// stretch reads a time as the stretch it names, from its begin to its end.
func stretch(text string, now time.Time, zone *time.Location) (from, to time.Time, err error) {
	now = now.In(zone)
	if every, ok := periods[text]; ok {
		w := gateway.Window{Every: every, Zone: zone}
		return w.Begin(now), w.End(now), nil
	}
	month := gateway.Window{Every: gateway.Month, Zone: zone}
	day := gateway.Window{Every: gateway.Day, Zone: zone}
	switch text {
	case "all":
		return time.Time{}, time.Time{}, nil
	case "now":
		return now, now, nil
	case "yesterday":
		to = day.Begin(now)
		return to.AddDate(0, 0, -1), to, nil
	case "last-month":
		to = month.Begin(now)
		return to.AddDate(0, -1, 0), to, nil
	}
	if t, bad := time.ParseInLocation(time.DateOnly, text, zone); bad == nil {
		return t, t.AddDate(0, 0, 1), nil
	}
	if t, bad := time.ParseInLocation("2006-01", text, zone); bad == nil {
		return t, t.AddDate(0, 1, 0), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, bad := time.ParseInLocation(layout, text, zone); bad == nil {
			return t, t, nil
		}
	}
	if t, ok := ago(text, now, day); ok {
		return t, t, nil
	}
	err = fmt.Errorf("%q is no time; it is %s", text, whens)
	if near := nearest.Word(text, periodWords); near != "" && !digits(text[:min(1, len(text))]) {
		err = fmt.Errorf("%q is no time; did you mean %s?", text, near)
	}
	return time.Time{}, time.Time{}, err
}

// ago reads so long ago. Days begin at midnight and hours at the full hour, so that what is asked again within one says the
// same of its beginning.
func ago(text string, now time.Time, day gateway.Window) (time.Time, bool) {
	if len(text) < 2 || len(text) > 6 || !digits(text[:len(text)-1]) {
		return time.Time{}, false
	}
	n, _ := strconv.Atoi(text[:len(text)-1])
	switch text[len(text)-1] {
	case 'm':
		return now.Add(-time.Duration(n) * time.Minute), true
	case 'h':
		return gateway.Window{Every: gateway.Hour, Zone: day.Zone}.Begin(now.Add(-time.Duration(n) * time.Hour)), true
	case 'd':
		return day.Begin(now.AddDate(0, 0, -n)), true
	case 'w':
		return day.Begin(now.AddDate(0, 0, -7*n)), true
	case 'y':
		return day.Begin(now.AddDate(-n, 0, 0)), true
	}
	return time.Time{}, false
}

// Zone reads a zone's name: UTC, Europe/Berlin, or local for the machine's own.
func Zone(name string) (*time.Location, error) {
	switch strings.ToLower(name) {
	case "", "utc":
		return time.UTC, nil
	case "local":
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no zone of the time zone database; one is named like Europe/Berlin", name)
	}
	return zone, nil
}

// Period writes a period for people.
func Period(from, to time.Time, zone *time.Location) string {
	write := func(t time.Time) string {
		t = t.In(zone)
		if t.Equal(gateway.Window{Every: gateway.Day, Zone: zone}.Begin(t)) {
			return t.Format(time.DateOnly)
		}
		return t.Format("2006-01-02 15:04")
	}
	switch {
	case from.IsZero() && to.IsZero():
		return "all time"
	case from.IsZero():
		return "until " + write(to)
	case to.IsZero():
		return "since " + write(from)
	}
	return write(from) + " to " + write(to)
}
