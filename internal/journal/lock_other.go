//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package journal

import (
	"errors"
	"fmt"
	"os"
)

// lock cannot keep two processes apart here, so there is no Journal in a folder.
func lock(*os.File) error {
	return fmt.Errorf("locking a file on this system: %w", errors.ErrUnsupported)
}
