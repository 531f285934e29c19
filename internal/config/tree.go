package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on a document, so that none can hold the process up: the YAML parser recurses for each level and for each
// member of a mapping, and its time grows with the square of the members.
const (
	maxSize    = 4 << 20 // bytes
	maxMarks   = 1 << 20 // bytes that structure the text: , : { } [ ] - and line ends
	maxDepth   = 64      // mappings and lists within each other
	maxMembers = 10_000  // of one block mapping
	maxAliased = 10_000  // nodes reached through aliases
)

type position struct{ line, column int } // from 1; columns count letters

type shape uint8

// Shapes of nodes. Scalars know what they were written as, because `4096` and `"4096"` are different things.
const (
	nothing shape = iota
	text
	quoted
	number
	truth
	sequence
	mapping
	alias
	broken // refused already
)

// node is a piece of the document.
type node struct {
	shape  shape
	at     position
	text   string  // of scalars, as written for numbers and truth values
	items  []*node // of a sequence
	of     []entry // of a mapping, duplicates left out
	target *node   // of an alias
	unset  bool    // a scalar that holds a variable that Options.NoEnv passed over
}

type entry struct {
	name  string
	at    position
	value *node
	merge bool // <<
}

// describe says what the node is, in the words of an error; what may be a secret is not quoted.
func (n *node) describe(secret bool) string {
	switch n.shape {
	case nothing:
		return "nothing"
	case sequence:
		return "a list"
	case mapping:
		return "a mapping"
	}
	switch {
	case n.shape == number && secret:
		return "a number"
	case n.shape == number:
		return "the number " + clip(n.text)
	case n.shape == truth:
		return n.text
	case secret:
		return "a text"
	}
	return fmt.Sprintf("%q", clip(n.text))
}

func clip(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// tree makes nodes of YAML. Problems go to src.
type tree struct {
	src     *source
	anchors map[string]*node
}

// grow parses the source. It returns nil if there is no tree to go on with; the reason is among the problems.
func (t *tree) grow(src []byte) *node {
	if len(src) > maxSize {
		t.src.report(position{}, "", "the document has more than 4 MiB", "")
		return nil
	}
	marks := 0
	for _, c := range src {
		switch c {
		case ',', ':', '{', '}', '[', ']', '-', '\n':
			marks++
		case 0:
			t.src.report(position{}, "", "the document holds a zero byte", "it must be text in UTF-8")
			return nil
		}
	}
	if marks > maxMarks {
		t.src.report(position{}, "", "the document has too many members", "")
		return nil
	}
	file := t.parse(string(src))
	if file == nil {
		return nil
	}
	return t.document(file)
}

// parse returns nil if the text is no YAML. A document that the parser cannot stand must not end a running gateway.
func (t *tree) parse(src string) (file *ast.File) {
	defer func() {
		if p := recover(); p != nil {
			file = nil
			t.src.report(position{}, "", fmt.Sprintf("the YAML parser fails on this document: %v", p), "")
		}
	}()
	tokens := lexer.Tokenize(src)
	if !t.bounded(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		t.syntax(err)
		return nil
	}
	return file
}

func (t *tree) document(file *ast.File) *node {
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			t.src.report(place(doc.Body), "", "a second document begins here", "a file holds one document; take out the `---`")
			return nil
		}
		root = t.node(doc.Body, "")
	}
	if root == nil {
		root = &node{shape: nothing, at: position{1, 1}}
	}
	return root
}

// parseError is what the parser's errors can do; their type is internal to it.
type parseError interface {
	error
	GetToken() *token.Token
	GetMessage() string
}

// syntax reports what the YAML parser found.
func (t *tree) syntax(err error) {
	at, message, hint := position{1, 1}, "cannot be read", ""
	if e, ok := errors.AsType[parseError](err); ok {
		message = strings.ReplaceAll(e.GetMessage(), "\t", `\t`)
		if tk := e.GetToken(); tk != nil && tk.Position != nil {
			at = position{tk.Position.Line, tk.Position.Column}
		}
		if message != e.GetMessage() {
			hint = "indent with spaces, not with tabs"
		}
	}
	t.src.report(at, "", "not valid YAML: "+message, hint)
}

// bounded walks the tokens before they are parsed. It holds the document to the bounds and finds the forgotten quotes
// of `{ api_key: ${KEY} }`, which YAML reads as a mapping within.
func (t *tree) bounded(tokens token.Tokens) bool {
	var columns, members []int // of the blocks that are open here
	flow, run := 0, 0
	for i, tk := range tokens {
		at := position{tk.Position.Line, tk.Position.Column}
		block := 0
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			if i > 0 && tk.Type == token.MappingStartType && unquoted(tokens[i-1], tk) {
				t.src.report(at, "", "a `${…}` within { } or [ ] must be quoted", `write "${NAME}" with quotes`)
				return false
			}
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(0, flow-1)
		case token.AnchorType, token.TagType, token.MappingKeyType:
			run++
		case token.SequenceEntryType:
			block = at.column
		case token.MappingValueType:
			run = 0
			if i > 0 {
				block = tokens[i-1].Position.Column
			}
		}
		if flow == 0 && block > 0 {
			for len(columns) > 0 && columns[len(columns)-1] > block {
				columns, members = columns[:len(columns)-1], members[:len(members)-1]
			}
			if len(columns) == 0 || columns[len(columns)-1] < block {
				columns, members = append(columns, block), append(members, 0)
			}
			if tk.Type == token.MappingValueType {
				members[len(members)-1]++
			}
		}
		switch {
		case flow+len(columns) > maxDepth || run > maxDepth:
			t.src.report(at, "", fmt.Sprintf("mappings and lists stand more than %d deep within each other", maxDepth), "")
			return false
		case len(members) > 0 && members[len(members)-1] > maxMembers:
			t.src.report(at, "", fmt.Sprintf("a mapping has more than %d members", maxMembers), "")
			return false
		}
	}
	return true
}

func unquoted(before, brace *token.Token) bool {
	p, q := before.Position, brace.Position
	return before.Type == token.StringType && strings.HasSuffix(before.Value, "$") && p.Line == q.Line &&
		p.Column+len([]rune(before.Value)) == q.Column
}

func place(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return place(m.Values[0].Key)
	}
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		return position{max(1, tk.Position.Line), max(1, tk.Position.Column)}
	}
	return position{1, 1}
}

// node converts one piece. Anchors become known when their value is complete, so that no alias leads into itself.
func (t *tree) node(a ast.Node, path string) *node {
	n := &node{at: place(a)}
	switch a := a.(type) {
	case *ast.NullNode:
		n.shape = nothing
	case *ast.StringNode:
		n.shape, n.text = text, a.Value
		if a.Token.Type != token.StringType {
			n.shape = quoted
		}
	case *ast.LiteralNode:
		n.shape, n.text = quoted, a.Value.Value
	case *ast.BoolNode:
		n.shape, n.text = truth, "false"
		if a.Value {
			n.text = "true"
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.shape, n.text = number, a.GetToken().Value
	case *ast.SequenceNode:
		n.shape = sequence
		for i, v := range a.Values {
			n.items = append(n.items, t.node(v, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.MappingNode:
		n.shape = mapping
		t.members(n, a.Values, path)
	case *ast.MappingValueNode:
		n.shape, n.at = mapping, place(a.Key)
		t.members(n, []*ast.MappingValueNode{a}, path)
	case *ast.AnchorNode:
		at := n.at
		n = t.node(a.Value, path)
		n.at = at
		t.anchors[a.Name.GetToken().Value] = n
	case *ast.AliasNode:
		name := a.Value.GetToken().Value
		n.shape, n.target = alias, t.anchors[name]
		if n.target == nil {
			t.src.report(n.at, path, fmt.Sprintf("no anchor &%s stands before this", clip(name)), "")
			n.shape = broken
		}
	default:
		n.shape = broken
		t.src.report(n.at, path, "tags and directives of YAML are not understood here", "write the plain value")
	}
	return n
}

// members converts the members of a mapping and refuses those that stand twice.
func (t *tree) members(n *node, values []*ast.MappingValueNode, path string) {
	seen := make(map[string]position, len(values))
	for _, v := range values {
		e := entry{at: place(v.Key)}
		switch k := v.Key.(type) {
		case *ast.StringNode:
			e.name = k.Value
		case *ast.MergeKeyNode:
			e.name, e.merge = "<<", true
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			e.name = k.GetToken().Value
		default:
			t.src.report(e.at, path, "a member's name must be plain text", "")
			continue
		}
		inner := join(path, e.name)
		e.value = t.node(v.Value, inner)
		if first, ok := seen[e.name]; ok {
			t.src.report(e.at, inner, "stands twice", fmt.Sprintf("it stands in line %d already", first.line))
			continue
		}
		seen[e.name] = e.at
		n.of = append(n.of, e)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
