package journal

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
)

// NewMemory returns a journal that ends with the process.
func NewMemory(o Options) *Journal {
	o.disk = &memory{files: map[string]*memoryFile{}}
	j, err := Open("memory", o)
	if err != nil {
		panic(err) // there is nothing that could fail
	}
	return j
}

// memory is a disk in memory.
type memory struct {
	mu    sync.Mutex // guards files
	files map[string]*memoryFile
}

type nothing struct{}

func (nothing) Close() error { return nil }

func (m *memory) Lock(string) (io.Closer, error) { return nothing{}, nil }

func (m *memory) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.files)), nil
}

func (m *memory) Open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.files[name]; f != nil {
		return f, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) Create(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := new(memoryFile)
	m.files[name] = f
	return f, nil
}

func (m *memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}

func (m *memory) Sync() error { return nil }

type memoryFile struct {
	mu sync.RWMutex // guards b
	b  []byte
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if off > int64(len(f.b)) {
		return 0, io.EOF
	}
	n := copy(p, f.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.b = append(f.b[:off], p...) // the journal writes at ends alone
	return len(p), nil
}

func (f *memoryFile) Size() (int64, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return int64(len(f.b)), nil
}

func (f *memoryFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.b = f.b[:size]
	return nil
}

func (*memoryFile) Sync() error  { return nil }
func (*memoryFile) Close() error { return nil }
