package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres returns the address of a fresh database in a PostgreSQL server, which all tests of a process share. It skips
// the test, saying so, where PostgreSQL is not installed. The server ends with the process.
func Postgres(t testing.TB) (url string) {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = startPostgres("-c", "fsync=off") })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	if shared.server == nil {
		lacking(t, noPostgres)
	}
	return shared.server.Fresh(t)
}

const noPostgres = "PostgreSQL's server (postgres, initdb) is not installed: nothing is known of how it is used"

var shared struct {
	once   sync.Once
	server *PostgresServer
	err    error
}

// PostgresServer is a PostgreSQL server of a test's own. It listens on 127.0.0.1.
type PostgresServer struct {
	Port int
	Dir  string

	hold      io.Closer // the server ends when this is closed, or with the process
	ended     chan struct{}
	databases atomic.Int64
}

// OwnPostgres starts a server for one test, which may freeze it. Settings are as on its command line: "-c", "name=value".
func OwnPostgres(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	s, err := startPostgres(settings...)
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		lacking(t, noPostgres)
	}
	t.Cleanup(s.Stop)
	return s
}

// URL returns the address of a database.
func (s *PostgresServer) URL(database string) string {
	return fmt.Sprintf("postgres://weir@127.0.0.1:%d/%s?sslmode=disable", s.Port, database)
}

// Fresh makes a database. It goes with the server: to drop it would take longer than most tests.
func (s *PostgresServer) Fresh(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	return s.URL(name)
}

func (s *PostgresServer) exec(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, text)
	return err
}

// Stop ends the server and everything in it.
func (s *PostgresServer) Stop() {
	s.signal(syscall.SIGCONT)
	s.hold.Close()
	<-s.ended
}

// Freeze stops all of the server's processes where they are, until Thaw: connections stay open, and nobody answers.
func (s *PostgresServer) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *PostgresServer) Thaw() { s.signal(syscall.SIGCONT) }

// signal sends a signal to the server and its children.
func (s *PostgresServer) signal(sig syscall.Signal) {
	text, err := os.ReadFile(filepath.Join(s.Dir, "data", "postmaster.pid"))
	if err != nil {
		return // it has ended
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return
	}
	_ = syscall.Kill(pid, sig) // first the one that makes children
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		line, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state parent …
		fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			_ = syscall.Kill(child, sig)
		}
	}
}

// keeper runs the server until its own input ends, which it does at the latest with the process that holds it.
const keeper = `dir=$1; bin=$2; shift 2
"$bin/postgres" -D "$dir/data" "$@" >"$dir/log" 2>&1 </dev/null & pid=$!
read -r _
kill -QUIT $pid 2>/dev/null; wait $pid; rm -rf "$dir"`

// startPostgres starts a server; nil if there is none to start.
func startPostgres(settings ...string) (*PostgresServer, error) {
	bin := postgresBin()
	if bin == "" {
		return nil, nil //nolint:nilnil // that it is not installed is no error
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "weir-postgres-")
	if err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, err
		}
	}
	made := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "weir", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	made.Dir, made.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := append([]string{
		"-c", keeper, "postgres-keeper", dir, bin, "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=200",
	}, settings...)
	run := exec.Command("sh", args...) // it ends with its input
	run.Dir, run.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as, Setpgid: true}
	hold, err := run.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := run.Start(); err != nil {
		return nil, err
	}
	s := &PostgresServer{Port: port, Dir: dir, hold: hold, ended: make(chan struct{})}
	go func() {
		_ = run.Wait()
		close(s.ended)
	}()
	for range 300 {
		if err = s.exec("SELECT 1"); err == nil {
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	s.Stop()
	return nil, fmt.Errorf("postgres does not answer: %w: %s", err, log)
}

// postgresBin returns the folder of the newest PostgreSQL there is, "" if there is none.
func postgresBin() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(a)))
		m, _ := strconv.Atoi(filepath.Base(filepath.Dir(b)))
		return m - n
	})
	if found, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(found))
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	return ""
}

// unprivileged returns whom the server runs as: it refuses to run as root. nil = as we do.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nothing needs to change
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("%v has no port", l.Addr())
	}
	return a.Port, nil
}
