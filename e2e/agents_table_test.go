package e2e

import (
	"bytes"
	"errors"
	"strings"

	"weir/internal/sim"
)

// poem is what the agents write: what quoting, escaping and cutting tend to spoil.
const poem = "The river \"runs\" to the weir;\n\tsieh, das Wasser fällt — 水が落ちる 🙂\n$HOME is not `here` \\ it's there.\n"

const count = "wc -l < poem.txt > count.txt && cat count.txt"

func do(tool, args, result string) action {
	return action{sim.ScriptCall{Tool: tool, Args: args}, result}
}

// agents are those that are run. The switches that they are given keep them from asking other places for updates, news and
// settings, and from asking a person for leave; nothing else is set that a user would not set.
var agents = []*agent{
	{
		name: "claude-code", program: "@anthropic-ai/claude-code-*/claude", tool: "Bash",
		via: []string{"anthropic-messages", "openai-chat", "openai-responses", "gemini-generate", "bedrock-converse"},
		steps: [][]action{
			{do("Bash", arguments("command", "ls", "description", "List files"), "notes.txt")},
			{
				do("Read", arguments("file_path", "notes.txt"), "count its lines"),
				do("Bash", arguments("command", "echo beside", "description", "Say a word"), "beside"),
			},
			{do("Write", arguments("file_path", "poem.txt", "content", poem), "poem.txt")},
			{do("Bash", arguments("command", count, "description", "Count lines"), "3")},
		},
		env: func(s *session) []string {
			return []string{
				"ANTHROPIC_BASE_URL=" + s.url, "ANTHROPIC_AUTH_TOKEN=" + key, "IS_SANDBOX=1",
				"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1", "DISABLE_AUTOUPDATER=1",
			}
		},
		args: func(_ *session, program, prompt string, again bool) []string {
			line := []string{program, "-p", prompt, "--model", "claude-sonnet-5", "--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions"}
			if again {
				line = append(line, "--continue")
			}
			return line
		},
		content: says(`"subtype":"success"`, `"is_error":true`),
	},
	codex("codex", []string{"openai-responses", "openai-chat", "anthropic-messages", "gemini-generate"}, map[string]string{
		".codex/config.toml": `model = "gpt-5.5"
model_provider = "weir"
` + codexQuiet + `
[model_providers.weir]
name = "Weir"
base_url = "@URL@/v1"
env_key = "WEIR_KEY"
wire_api = "responses"
`,
	}),
	// Where only the address of OpenAI is another one, Codex would speak WebSocket and does what it does for OpenAI alone.
	codex("codex-openai", []string{"openai-responses", "openai-chat"}, map[string]string{
		".codex/config.toml": `model = "gpt-5.5"
openai_base_url = "@URL@/v1"
` + codexQuiet,
		".codex/auth.json": `{"auth_mode":"apikey","OPENAI_API_KEY":"` + key + `"}`,
	}),
	{
		name: "gemini-cli", program: "@google/gemini-cli/bundle/gemini.js", tool: "run_shell_command",
		via: []string{"gemini-generate", "openai-chat", "anthropic-messages"},
		steps: [][]action{
			{do("run_shell_command", arguments("command", "ls", "description", "List files"), "notes.txt")},
			{
				do("read_file", arguments("file_path", "notes.txt"), "count its lines"),
				do("run_shell_command", arguments("command", "echo beside", "description", "Say a word"), "beside"),
			},
			{do("write_file", arguments("file_path", "poem.txt", "content", poem), "poem.txt")},
			{do("run_shell_command", arguments("command", count, "description", "Count lines"), "3")},
		},
		files: map[string]string{".gemini/settings.json": `{
  "security": { "auth": { "selectedType": "gemini-api-key" } },
  "general": { "enableAutoUpdate": false, "enableAutoUpdateNotification": false },
  "privacy": { "usageStatisticsEnabled": false },
  "telemetry": { "enabled": false }
}
`},
		env: func(s *session) []string {
			return []string{"GOOGLE_GEMINI_BASE_URL=" + s.url, "GEMINI_API_KEY=" + key, "GEMINI_CLI_TRUST_WORKSPACE=true", "GEMINI_CLI_NO_RELAUNCH=true"}
		},
		args: func(_ *session, program, prompt string, _ bool) []string {
			return []string{"node", program, "-p", prompt, "-y", "-o", "stream-json"}
		},
		// A conversation that it resumes holds each result twice, which Google's own rules refuse.
		once:    true,
		content: says(`"status":"success"`, `"status":"error"`),
	},
}

// codexQuiet keeps Codex from asking other places.
const codexQuiet = `check_for_update_on_startup = false

[analytics]
enabled = false

[features]
apps = false
plugins = false
remote_plugin = false
`

func codex(name string, via []string, files map[string]string) *agent {
	patch := "*** Begin Patch\n*** Add File: poem.txt\n+" + strings.ReplaceAll(strings.TrimSuffix(poem, "\n"), "\n", "\n+") + "\n*** End Patch\n"
	return &agent{
		name: name, program: "@openai/codex-*/vendor/*/bin/codex", tool: "exec_command", via: via, files: files,
		steps: [][]action{
			{do("exec_command", arguments("cmd", "ls"), "notes.txt")},
			{do("exec_command", arguments("cmd", "cat notes.txt"), "count its lines"), do("exec_command", arguments("cmd", "echo beside"), "beside")},
			{do("apply_patch", patch, "poem.txt")},
			{do("exec_command", arguments("cmd", count), "3")},
		},
		env: func(s *session) []string { return []string{"WEIR_KEY=" + key, "CODEX_HOME=" + s.home + "/.codex"} },
		args: func(_ *session, program, prompt string, again bool) []string {
			line := []string{program, "exec"}
			if again {
				line = append(line, "resume", "--last")
			}
			return append(line, "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", prompt)
		},
		content: says(`"type":"turn.completed"`, `"type":"error"`, `"type":"turn.failed"`),
	}
}

// says returns a check that what an agent prints holds one text and none of the others.
func says(good string, bad ...string) func([]byte) error {
	return func(printed []byte) error {
		for _, text := range bad {
			if bytes.Contains(printed, []byte(text)) {
				return errors.New("it says " + text)
			}
		}
		if !bytes.Contains(printed, []byte(good)) {
			return errors.New("it does not say " + good)
		}
		return nil
	}
}
