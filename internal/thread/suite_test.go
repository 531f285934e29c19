package thread_test

import (
	"testing"

	"go.uber.org/goleak"

	"weir/internal/gateway"
	"weir/internal/storetest"
	"weir/internal/thread"
)

func TestMain(m *testing.M) { thread.Main(m, func() { goleak.VerifyTestMain(m) }) }

func TestMemory(t *testing.T) {
	storetest.Threads(t, storetest.ThreadStore{Open: func(_ testing.TB, s storetest.Setup) gateway.Threads {
		o := thread.Options{Now: s.Now}
		if s.Tight {
			o.Bytes = storetest.Room
		}
		return thread.NewMemory(o)
	}})
}

func TestFile(t *testing.T) {
	type store struct {
		*thread.File
		dir string
		o   thread.Options
	}
	open := func(t testing.TB, dir string, o thread.Options) gateway.Threads {
		f, err := thread.Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
		return store{f, dir, o}
	}
	storetest.Threads(t, storetest.ThreadStore{
		Open: func(t testing.TB, s storetest.Setup) gateway.Threads {
			o := thread.Options{Now: s.Now}
			if s.Tight {
				o.Bytes, o.Owner = 2*storetest.Room, storetest.OwnerRoom
			}
			return open(t, t.TempDir(), o)
		},
		Again: func(t testing.TB, th gateway.Threads) gateway.Threads {
			s := th.(store)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, s.dir, s.o)
		},
	})
}
