package thread

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"weir/internal/fault"
)

// disk is what a File needs of a file system: one flat folder.
type disk interface {
	// Lock keeps every other process, and every other File of this one, out of the folder until it is closed.
	Lock(name string) (io.Closer, error)
	List() ([]string, error)
	Secret(name string) ([]byte, error) // a small file that not everybody may read
	Open(name string) (file, error)
	Create(name string) (file, error) // there is none yet
	Rename(from, to string) error
	Remove(name string) error
	Sync() error // makes names last
}

// file is one that is read and written at places.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
}

// folder is a disk of the operating system.
type folder struct{ dir string }

func openFolder(dir string) (folder, error) { return folder{dir}, os.MkdirAll(dir, 0o700) }

func (d folder) path(name string) string { return filepath.Join(d.dir, name) }

func (d folder) List() ([]string, error) {
	all, err := os.ReadDir(d.dir)
	names := make([]string, 0, len(all))
	for _, one := range all {
		if one.Type().IsRegular() {
			names = append(names, one.Name())
		}
	}
	return names, err
}

func (d folder) Secret(name string) ([]byte, error) {
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return nil, fmt.Errorf("everybody may use %s (its mode is %04o): chmod 600 it", d.path(name), mode)
	}
	return io.ReadAll(io.LimitReader(f, 4096))
}

func (d folder) Open(name string) (file, error) { return d.open(name, os.O_RDWR) }

func (d folder) Create(name string) (file, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (d folder) open(name string, how int) (file, error) {
	f, err := os.OpenFile(d.path(name), how, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d folder) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d folder) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d folder) Sync() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d folder) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

type osFile struct{ *os.File }

// Size returns the file's size.
func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// ErrLocked is what Open returns, wrapped, where another process uses the folder.
var ErrLocked = errors.New("another process uses it")

// unwritten is the fault of a turn that could not be written.
func (w *Words) unwritten(err error) *fault.Fault {
	f := fault.New(fault.Internal, "%s cannot be kept: writing it failed; %s until the operator has mended that", w.Many, w.Else)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		f = fault.New(fault.Unavailable, "the disk that %s are kept on is full: %s, or wait until the operator has made room", w.Many, w.Fewer)
	case errors.Is(err, syscall.EROFS):
		f.Message = w.Many + " cannot be kept: the file system is read-only; " + w.Else + " until the operator has mended that"
	}
	f.Cause = err
	return f
}
