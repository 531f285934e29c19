package price

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Suffix is how the name of a price file in a folder ends.
const Suffix = ".txt"

// maxFiles is how many price files a folder may have.
const maxFiles = 256

// FileError says which line of which price file is wrong, and how.
type FileError struct {
	File string
	Line int // from 1; 0 = the whole file
	What string
}

// Error implements error.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.What
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
}

// LoadPath reads a price file in the format of Load, or all of a folder whose names end in .txt. A provider stands in one
// file. Either everything is right or nothing is returned; the error joins a *FileError for each file that is wrong.
func LoadPath(path string) (*Table, error) {
	files, err := priceFiles(path)
	if err != nil {
		return nil, err
	}
	t := &Table{lists: map[string]*lazy{}}
	from := map[string]string{}
	var wrong []error
	for _, file := range files {
		lists, bad := loadFile(file)
		if bad != nil {
			wrong = append(wrong, bad)
			continue
		}
		for _, l := range lists {
			if other, twice := from[l.Provider]; twice {
				wrong = append(wrong, &FileError{file, l.line, fmt.Sprintf("%s stands in %s too; keep one of them", l.Provider, other)})
				continue
			}
			from[l.Provider], t.lists[l.Provider] = file, ready(l)
		}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	return t, nil
}

// priceFiles lists the files that a path stands for.
func priceFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // sorted
	if err != nil {
		return nil, unreadable(path, err)
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, Suffix) || e.IsDir() {
			continue
		}
		if len(files) == maxFiles {
			return nil, &FileError{File: path, What: fmt.Sprintf("a folder of prices has at most %d files", maxFiles)}
		}
		files = append(files, filepath.Join(path, name))
	}
	return files, nil
}

func unreadable(path string, err error) *FileError {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return &FileError{File: path, What: err.Error()}
}

func loadFile(file string) ([]*List, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	defer func() { _ = f.Close() }() // read only
	lists, err := load(f)
	if line, ok := errors.AsType[*LineError](err); ok {
		return nil, &FileError{file, line.Line, line.What}
	}
	if err != nil {
		return nil, unreadable(file, err)
	}
	return lists, nil
}
