// Package program starts the programs that are measured, and reads from /proc
// what they use. Linux only.
package program

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Build compiles a package of this module and returns the program's path.
func Build(ctx context.Context, pkg, tmp string) (string, error) {
	o := filepath.Join(tmp, filepath.Base(pkg))
	c := exec.CommandContext(ctx, "go", "build", "-o", o, pkg)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	return o, nil
}

// FreeAddr is a loopback address that nobody listened on a moment ago.
func FreeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// patience is how long a program may take to end.
const patience = 3 * time.Second

// Proc is a program in a process group of its own.
type Proc struct {
	c    *exec.Cmd
	done chan struct{} // closed when it has ended
}

// PID is the program's process id.
func (p *Proc) PID() int { return p.c.Process.Pid }

// Signal sends the program a signal.
func (p *Proc) Signal(s os.Signal) error { return p.c.Process.Signal(s) }

// Start runs c with its output in the file logf. If c has a context, its end
// ends the whole process group.
func Start(c *exec.Cmd, logf string) (*Proc, error) { return start(c, logf, nil) }

func start(c *exec.Cmd, logf string, as *syscall.Credential) (*Proc, error) {
	f, err := os.Create(logf)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c.Stdout, c.Stderr = f, f
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = patience
	if err := c.Start(); err != nil {
		return nil, err
	}
	p := &Proc{c, make(chan struct{})}
	go func() {
		_ = c.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

// Stop ends the process group that Start made: asked first, then killed.
func (p *Proc) Stop() {
	if p.Ended() {
		return
	}
	_ = syscall.Kill(-p.c.Process.Pid, syscall.SIGTERM) // it may have ended since
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = syscall.Kill(-p.c.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// Ended reports whether it is over.
func (p *Proc) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// WaitReady asks for u until it answers 2xx, every 2 ms.
func WaitReady(ctx context.Context, u string, limit time.Duration, p *Proc) error {
	x, err := url.Parse(u)
	if err != nil {
		return err
	}
	d := net.Dialer{Timeout: time.Second}
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if p.Ended() {
			return fmt.Errorf("exited at start")
		}
		c, err := d.DialContext(ctx, "tcp", x.Host)
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(2 * time.Second)) // never fails on TCP
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", x.RequestURI(), x.Host)
		b, _ := io.ReadAll(io.LimitReader(c, 15)) // a broken answer is none
		c.Close()
		if strings.HasPrefix(string(b), "HTTP/1.1 2") || strings.HasPrefix(string(b), "HTTP/1.0 2") {
			return nil
		}
	}
	return fmt.Errorf("not ready within %v", limit)
}
