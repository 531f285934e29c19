package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// disk is what a Journal needs of a file system: one flat folder.
type disk interface {
	// Lock keeps every other process, and every other Journal of this one, out of the folder until it is closed.
	Lock(name string) (io.Closer, error)
	List() ([]string, error)
	Open(name string) (file, error)
	Create(name string) (file, error) // what is there already is emptied
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

// Open opens a file for reading and writing, or where that is not allowed for reading.
func (d folder) Open(name string) (file, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR, 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f, err = os.Open(d.path(name))
	}
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d folder) Create(name string) (file, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
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
