package storetest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Redis returns the address of a fresh database in a Redis server, which all tests of a process share. It skips the test,
// saying so, where Redis is not installed. The server ends with the process.
func Redis(t testing.TB) (url string) {
	t.Helper()
	sharedRedis.once.Do(func() { sharedRedis.server, sharedRedis.err = startRedis() })
	if sharedRedis.err != nil {
		t.Fatal(sharedRedis.err)
	}
	if sharedRedis.server == nil {
		lacking(t, noRedis)
	}
	return sharedRedis.server.Fresh()
}

const noRedis = "Redis's server (redis-server) is not installed: nothing is known of how it is used"

// redisDatabases is how many databases a server has.
const redisDatabases = 4096

var sharedRedis struct {
	once   sync.Once
	server *RedisServer
	err    error
}

// RedisServer is a Redis server of a test's own. It listens on 127.0.0.1.
type RedisServer struct {
	Port int
	Dir  string

	args      []string
	hold      io.Closer // the server ends when this is closed, or with the process
	ended     chan struct{}
	databases atomic.Int64
}

// OwnRedis starts a server for one test, which may freeze it. Settings are as on its command line: "--name", "value".
func OwnRedis(t testing.TB, settings ...string) *RedisServer {
	t.Helper()
	s, err := startRedis(settings...)
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		lacking(t, noRedis)
	}
	t.Cleanup(s.Stop)
	if err := os.WriteFile(filepath.Join(s.Dir, "own"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Fresh returns the address of a database that nobody has used.
func (s *RedisServer) Fresh() string {
	return fmt.Sprintf("redis://127.0.0.1:%d/%d", s.Port, s.databases.Add(1)%redisDatabases)
}

// Stop ends the server for good.
func (s *RedisServer) Stop() {
	s.Down()
	_ = os.RemoveAll(s.Dir)
}

// Down ends the server, until Again.
func (s *RedisServer) Down() {
	s.signal(syscall.SIGCONT)
	s.hold.Close()
	<-s.ended
}

// Again starts the server anew on the same port, with nothing in it.
func (s *RedisServer) Again(t testing.TB) {
	t.Helper()
	s.Down()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Freeze stops the server where it is, until Thaw: connections stay open, and nobody answers.
func (s *RedisServer) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *RedisServer) Thaw() { s.signal(syscall.SIGCONT) }

func (s *RedisServer) signal(sig syscall.Signal) {
	text, err := os.ReadFile(filepath.Join(s.Dir, "pid"))
	if err != nil {
		return // it has ended
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		_ = syscall.Kill(pid, sig)
	}
}

// redisKeeper runs the server until its own input ends, which it does at the latest with the process that holds it. It
// clears up behind one that all tests share.
const redisKeeper = `dir=$1; bin=$2; shift 2
"$bin" "$@" >"$dir/log" 2>&1 </dev/null & pid=$!
echo $pid >"$dir/pid"
read -r _
kill -KILL $pid 2>/dev/null; wait $pid; rm -f "$dir/pid"; [ -e "$dir/own" ] || rm -rf "$dir"`

// startRedis starts a server; nil if there is none to start.
func startRedis(settings ...string) (*RedisServer, error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		if bin, err = exec.LookPath("valkey-server"); err != nil {
			return nil, nil //nolint:nilnil,nilerr // that it is not installed is no error
		}
	}
	dir, err := os.MkdirTemp("", "weir-redis-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &RedisServer{Port: port, Dir: dir}
	s.args = append([]string{
		"-c", redisKeeper, "redis-keeper", dir, bin, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
		"--save", "", "--appendonly", "no", "--databases", strconv.Itoa(redisDatabases),
	}, settings...)
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *RedisServer) start() error {
	run := exec.Command("sh", s.args...)
	run.Dir = s.Dir
	hold, err := run.StdinPipe()
	if err != nil {
		return err
	}
	if err := run.Start(); err != nil {
		return err
	}
	s.hold, s.ended = hold, make(chan struct{})
	ended := s.ended
	go func() {
		_ = run.Wait()
		close(ended)
	}()
	for range 400 {
		var conn net.Conn
		if conn, err = net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), time.Second); err == nil {
			conn.Close()
			return nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
	return fmt.Errorf("redis does not answer: %w: %s", err, log)
}
