package thread

import "weir/internal/gateway"

// All returns the owner's turns that have an item, the one that was put last in front. Each is read by itself, so one
// that is deleted meanwhile is left out.
func (f *File) All(owner, item string) []gateway.Turn {
	now, hash := f.o.Now(), itemHash(f.keys.items, item)
	f.mu.Lock()
	f.expire(now)
	found := f.index.all(nil, owner, hash)
	f.mu.Unlock()
	return gather(found, item, f.Get)
}

// Everybodys returns the turns of all owners that have an item, in no order.
func (f *File) Everybodys(item string) []gateway.Turn {
	now, hash := f.o.Now(), itemHash(f.keys.items, item)
	f.mu.Lock()
	f.expire(now)
	found := f.index.everybodys(hash)
	f.mu.Unlock()
	return gather(found, item, f.Get)
}

// All is that of File.
func (m *Memory) All(owner, item string) []gateway.Turn {
	now, hash := m.now(), itemHash(m.items, item)
	m.mu.Lock()
	m.expire(now)
	found := m.index.all(nil, owner, hash)
	m.mu.Unlock()
	return gather(found, item, m.Get)
}

// Everybodys is that of File.
func (m *Memory) Everybodys(item string) []gateway.Turn {
	now, hash := m.now(), itemHash(m.items, item)
	m.mu.Lock()
	m.expire(now)
	found := m.index.everybodys(hash)
	m.mu.Unlock()
	return gather(found, item, m.Get)
}

// Key returns a key for another purpose of whoever uses the store. It is made from the store's own, so that it lasts as
// long and lies where that does.
func (f *File) Key(purpose string) []byte { return derive(f.keys.beside, nil, purpose) }

// Key is that of File; it lasts as long as the store.
func (m *Memory) Key(purpose string) []byte { return derive(m.beside, nil, purpose) }

// all appends the owner's turns that have an item, the newest first.
func (x *index[P]) all(found []key, name string, item uint64) []key {
	o := x.owners[name]
	if o == nil {
		return found
	}
	for n := o.items[item]; n != nil; n = n.hold(item).older {
		found = append(found, key{name, n.id})
	}
	return found
}

// everybodys returns the turns of all owners that have an item.
func (x *index[P]) everybodys(item uint64) []key {
	var found []key
	for name := range x.owners {
		found = x.all(found, name, item)
	}
	return found
}

func gather(found []key, item string, get func(owner, id string) (gateway.Turn, bool)) []gateway.Turn {
	out := make([]gateway.Turn, 0, len(found))
	for _, k := range found {
		if t, ok := get(k.owner, k.id); ok && has(&t, item) {
			out = append(out, t)
		}
	}
	return out
}
