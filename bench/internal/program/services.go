package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Postgres starts a PostgreSQL of its own in dir and returns its address for
// a document. As root it runs as the user postgres, who must exist.
func Postgres(ctx context.Context, dir string) (p *Proc, url string, err error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, "", err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, "", err
	}
	var as *syscall.Credential
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, "", fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		for at := data; len(at) > len(os.TempDir()); at = filepath.Dir(at) {
			_ = os.Chmod(at, 0o711) //nolint:gosec // the server must get through; the folders above may be another's
		}
		if err := os.Chmod(data, 0o700); err != nil { //nolint:gosec // it is a folder
			return nil, "", err
		}
		if err := os.Chown(data, uid, gid); err != nil {
			return nil, "", err
		}
	}
	init := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "weir", "-A", "trust", "-E", "UTF8", "--no-sync")
	init.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	init.Dir = "/"
	if out, err := init.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	addr, err := FreeAddr(ctx)
	if err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(addr)
	c := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", "", "-c", "max_connections=200")
	c.Dir = "/"
	if p, err = start(c, filepath.Join(dir, "postgres.log"), as); err != nil {
		return nil, "", err
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-h", "127.0.0.1", "-p", port, "-q").Run() == nil {
			return p, "postgres://weir@" + addr + "/postgres", nil
		}
		if p.Ended() {
			break
		}
	}
	p.Stop()
	return nil, "", fmt.Errorf("PostgreSQL did not start; see %s", filepath.Join(dir, "postgres.log"))
}

// postgresBin finds the newest server's programs.
func postgresBin() (string, error) {
	if at, err := exec.LookPath("postgres"); err == nil {
		if at, err = filepath.EvalSymlinks(at); err == nil {
			return filepath.Dir(at), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "", fmt.Errorf("PostgreSQL is not installed: apt-get install postgresql")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// Redis starts a Redis of its own in dir and returns its address.
func Redis(ctx context.Context, dir string) (p *Proc, addr string, err error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, "", fmt.Errorf("Redis is not installed: apt-get install redis-server")
	}
	if addr, err = FreeAddr(ctx); err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(addr)
	c := exec.CommandContext(ctx, bin, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", dir)
	if p, err = Start(c, filepath.Join(dir, "redis.log")); err != nil {
		return nil, "", err
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr); err == nil {
			conn.Close()
			return p, addr, nil
		}
	}
	p.Stop()
	return nil, "", fmt.Errorf("Redis did not start; see %s", filepath.Join(dir, "redis.log"))
}

// Freeze stops the program and all it has started as they are. PostgreSQL's
// children are in groups of their own.
func (p *Proc) Freeze() error { return p.all(syscall.SIGSTOP) }

// Thaw lets what was frozen go on.
func (p *Proc) Thaw() error { return p.all(syscall.SIGCONT) }

// Kill ends the program at once, with no word of warning, and waits for its
// end.
func (p *Proc) Kill() {
	_ = p.all(syscall.SIGKILL) // it may have ended since
	<-p.done
}

func (p *Proc) all(sig syscall.Signal) error {
	var first error
	for _, pid := range tree(p.PID()) {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) && first == nil {
			first = err
		}
	}
	return first
}
