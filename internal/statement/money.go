package statement

import (
	"errors"
	"strings"

	"weir/internal/gateway"
)

// Dollars writes an amount for people: exact, two decimals and more where needed, thousands marked: $1,234.50.
func Dollars(m gateway.Money) string {
	text := m.String()
	sign, rest, _ := strings.Cut(text, "$")
	whole, part, _ := strings.Cut(rest, ".")
	return sign + "$" + marks(whole) + "." + part
}

// Decimal writes an amount of dollars for programs: an exact decimal, without a sign of the dollar.
func Decimal(m gateway.Money) string {
	sign, rest, _ := strings.Cut(m.String(), "$")
	return sign + rest
}

// marks puts a comma between each three digits.
func marks(digits string) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// ParseMoney reads an amount of dollars such as "1.25", "-$1,234.5" or "1.5e-07" exactly, with decimals beyond the ninth
// rounded to the nearest billionth. shift moves the point: of an amount in cents it is -2.
func ParseMoney(text string, shift int) (gateway.Money, error) {
	text = strings.TrimSpace(text)
	negative := false
	if inner, ok := strings.CutPrefix(text, "("); ok { // how bookkeepers write what is below nothing
		if inner, ok = strings.CutSuffix(inner, ")"); ok {
			negative, text = true, inner
		}
	}
	for _, sign := range []string{"-", "+"} {
		if rest, ok := strings.CutPrefix(text, sign); ok {
			negative, text = negative != (sign == "-"), rest
			break
		}
	}
	text = strings.TrimPrefix(text, "$")
	mantissa, exponent, has := strings.Cut(strings.ToLower(text), "e")
	if has {
		n, ok := smallInt(exponent)
		if !ok {
			return 0, errAmount
		}
		shift += n
	}
	whole, part, _ := strings.Cut(mantissa, ".")
	whole, ok := unmarked(whole)
	if !ok || whole == "" && part == "" || !digits(whole) || !digits(part) || len(whole)+len(part) > 80 {
		return 0, errAmount
	}
	v, err := billionths(whole+part, len(whole)+shift+9)
	if negative {
		v = -v
	}
	return v, err
}

var (
	errAmount = errors.New("an amount is digits with at most one decimal point, such as 1234.56")
	errLarge  = errors.New("the amount is larger than can be kept")
)

// billionths reads the first n of a row of digits as a number, zeros beyond its end, and rounds by the digit after.
func billionths(row string, n int) (gateway.Money, error) {
	const most = 1<<63 - 1
	var v uint64
	for i := range n {
		d := uint64(0)
		if i < len(row) {
			d = uint64(row[i] - '0')
		}
		if v > (most-d)/10 {
			return 0, errLarge
		}
		v = v*10 + d
	}
	if n >= 0 && n < len(row) && row[n] >= '5' && v < most {
		v++
	}
	return gateway.Money(v), nil
}

// unmarked takes the marks of thousands out: they stand before each three digits or nowhere.
func unmarked(whole string) (string, bool) {
	if !strings.Contains(whole, ",") {
		return whole, true
	}
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if len(g) != 3 && (i > 0 || g == "" || len(g) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// smallInt reads an exponent of at most two digits.
func smallInt(text string) (int, bool) {
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimLeft(text, "+-")
	if text == "" || len(text) > 2 || !digits(text) {
		return 0, false
	}
	n := 0
	for i := range len(text) {
		n = n*10 + int(text[i]-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
