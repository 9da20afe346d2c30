using System.Globalization;
using System.Numerics;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>
/// A value that Python's <c>ast.literal_eval</c> makes of a text: lists, tuples, sets, dictionaries, texts, numbers, True, False, None. Complex numbers are not
/// covered, because no ranking has them.
/// </summary>
internal abstract record PythonLiteral
{
    private PythonLiteral() { }

    /// <summary>A list or tuple.</summary>
    public sealed record Sequence(IReadOnlyList<PythonLiteral> Values, bool IsList) : PythonLiteral;

    public sealed record Set(IReadOnlyList<PythonLiteral> Values) : PythonLiteral;

    public sealed record Dictionary(IReadOnlyList<KeyValuePair<PythonLiteral, PythonLiteral>> Entries) : PythonLiteral
    {
        /// <summary>The value of a key; of several, the last one.</summary>
        public PythonLiteral? Of(string key) => Entries.LastOrDefault(entry => entry.Key is Text text && text.Value == key).Value;
    }

    public sealed record Text(string Value) : PythonLiteral;

    /// <summary>Whole numbers, fractions, and True and False, which are 1 and 0.</summary>
    public sealed record Number(double Value, bool IsBoolean = false) : PythonLiteral;

    /// <summary>None, bytes, the ellipsis.</summary>
    public sealed record Other : PythonLiteral;

    /// <returns>Null: Python refuses it.</returns>
    public static PythonLiteral? Parse(string text)
    {
        try
        {
            return new Reader(text.TrimStart(' ', '\t')).ReadAll();
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private bool IsHashable => this switch
    {
        Sequence sequence => !sequence.IsList && sequence.Values.All(value => value.IsHashable),
        Set or Dictionary => false,
        _ => true,
    };

    // Recursive descent. Line breaks end the expression outside of brackets.
    private sealed class Reader(string text)
    {
        // Python's parser gives up at about this depth.
        private const int MostDepth = 90;

        private int _at, _brackets;

        public PythonLiteral ReadAll()
        {
            SkipBlankLines();
            var value = Expressions();
            SkipSpace();
            if (!End && text[_at] is not ('\n' or '\r')) throw Refused();
            for (; !End; _at++)
            {
                SkipSpace();
                if (!End && text[_at] is not ('\n' or '\r')) throw Refused();
            }
            return value;
        }

        private bool End => _at >= text.Length;

        private char Here => End ? '\0' : text[_at];

        private static FormatException Refused() => new();

        // The first line of code must not be indented.
        private void SkipBlankLines()
        {
            while (true)
            {
                var start = _at;
                SkipSpace();
                if (!End && text[_at] is '\n' or '\r') _at++;
                else if (End || _at > start) throw Refused();
                else return;
            }
        }

        private void SkipSpace()
        {
            while (!End)
            {
                if (text[_at] is ' ' or '\t' or '\f' || _brackets > 0 && text[_at] is '\n' or '\r') _at++;
                else if (text[_at] == '#')
                    while (!End && text[_at] is not ('\n' or '\r')) _at++;
                else if (text[_at] == '\\' && _at + 1 < text.Length && text[_at + 1] == '\n') _at += 2;
                else return;
            }
        }

        // Several, with commas, are a tuple.
        private PythonLiteral Expressions()
        {
            var first = Value();
            SkipSpace();
            if (Here != ',') return first;
            var values = new List<PythonLiteral> { first };
            while (Take(','))
            {
                SkipSpace();
                if (End || Here is ')' or '\n' or '\r') break;
                values.Add(Value());
                SkipSpace();
            }
            return new Sequence(values, IsList: false);
        }

        private bool Take(char character)
        {
            if (Here != character) return false;
            _at++;
            return true;
        }

        private PythonLiteral Value()
        {
            SkipSpace();
            if (_brackets > MostDepth) throw Refused();
            switch (Here)
            {
                case '[':
                    return new Sequence(Within(']', () => Items(']')), IsList: true);
                case '(':
                    return Within(')', () => Here == ')' ? new Sequence([], IsList: false) : Expressions());
                case '{':
                    return Within('}', Braces);
                case '+' or '-':
                    var sign = text[_at++] == '-' ? -1 : 1;
                    SkipSpace();
                    return IsNumber ? new Number(sign * NumberValue()) : throw Refused();
                case '.' when text.AsSpan(_at).StartsWith("..."):
                    _at += 3;
                    return new Other();
                default:
                    return IsNumber ? new Number(NumberValue()) : Word();
            }
        }

        private T Within<T>(char end, Func<T> read)
        {
            _at++;
            _brackets++;
            SkipSpace();
            var value = read();
            SkipSpace();
            if (!Take(end)) throw Refused();
            _brackets--;
            return value;
        }

        private List<PythonLiteral> Items(char end)
        {
            var values = new List<PythonLiteral>();
            while (Here != end)
            {
                values.Add(Value());
                SkipSpace();
                if (!Take(',')) break;
                SkipSpace();
            }
            return values;
        }

        private PythonLiteral Braces()
        {
            if (Here == '}') return new Dictionary([]);
            var first = Value();
            SkipSpace();
            if (Here != ':')
            {
                var values = new List<PythonLiteral> { first };
                if (Take(','))
                {
                    SkipSpace();
                    values.AddRange(Items('}'));
                }
                return values.All(value => value.IsHashable) ? new Set(values) : throw Refused();
            }
            var entries = new List<KeyValuePair<PythonLiteral, PythonLiteral>>();
            for (var key = first; ; key = Value())
            {
                SkipSpace();
                if (!key.IsHashable || !Take(':')) throw Refused();
                entries.Add(new(key, Value()));
                SkipSpace();
                if (!Take(',')) break;
                SkipSpace();
                if (Here == '}') break;
            }
            return new Dictionary(entries);
        }

        private bool IsNumber => char.IsAsciiDigit(Here) || Here == '.' && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1]);

        private double NumberValue()
        {
            var start = _at;
            while (!End && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] is '_' or '.' || text[_at] is '+' or '-' && text[_at - 1] is 'e' or 'E' && !IsHex(start))) _at++;
            var digits = text[start.._at];
            if (digits.StartsWith('_') || digits.EndsWith('_') || digits.Contains("__", StringComparison.Ordinal)) throw Refused();
            var number = digits.Replace("_", "", StringComparison.Ordinal);
            if (number.Length > 2 && number[0] == '0' && "xXoObB".Contains(number[1])) return Based(number);
            // 01 is refused, 00 is not.
            if (number.All(char.IsAsciiDigit) && number.Length > 1 && number[0] == '0' && number.Trim('0').Length > 0) throw Refused();
            return double.TryParse(number, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) ? value : throw Refused();
        }

        private bool IsHex(int start) => text.AsSpan(start).StartsWith("0x", StringComparison.OrdinalIgnoreCase);

        private static double Based(string number)
        {
            var radix = char.ToLowerInvariant(number[1]) switch { 'x' => 16, 'o' => 8, _ => 2 };
            var value = BigInteger.Zero;
            foreach (var character in number.AsSpan(2))
            {
                var digit = char.IsAsciiHexDigit(character) ? Convert.ToInt32(character.ToString(), 16) : radix;
                value = digit < radix ? value * radix + digit : throw Refused();
            }
            return (double)value;
        }

        private PythonLiteral Word()
        {
            var start = _at;
            while (!End && (char.IsLetterOrDigit(text[_at]) || text[_at] == '_')) _at++;
            var word = text[start.._at];
            if (Here is '"' or '\'') return Strings(word);
            return word switch
            {
                "True" => new Number(1, IsBoolean: true),
                "False" => new Number(0, IsBoolean: true),
                "None" => new Other(),
                _ => throw Refused(),
            };
        }

        // Texts that stand beside each other are joined.
        private PythonLiteral Strings(string prefix)
        {
            var joined = new System.Text.StringBuilder();
            bool? isBytes = null;
            while (true)
            {
                var (raw, bytes) = prefix.ToLowerInvariant() switch
                {
                    "" or "u" => (false, false),
                    "r" => (true, false),
                    "b" => (false, true),
                    "br" or "rb" => (true, true),
                    _ => throw Refused(),
                };
                if (isBytes is { } kind && kind != bytes) throw Refused();
                isBytes = bytes;
                joined.Append(PythonString.Read(text, ref _at, raw, bytes) ?? throw Refused());
                SkipSpace();
                var start = _at;
                while (!End && char.IsAsciiLetter(text[_at])) _at++;
                if (Here is not ('"' or '\''))
                {
                    _at = start;
                    return isBytes.Value ? new Other() : new Text(joined.ToString());
                }
                prefix = text[start.._at];
            }
        }
    }
}
