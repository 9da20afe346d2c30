using System.IO.Hashing;
using System.Runtime.InteropServices;
using Tulu2.Data.Chat;
using Tulu2.Files;

namespace Tulu2.Data.Slots;

/// <summary>
/// Rows of one answer each, every one with a mismatched sequence beside it: sequence 2k is row k itself, 2k + 1 its prompt with the answer of another row, which is the
/// next row (the first after the last) that has another prompt and another answer. Where no row has another prompt, the next one that has another answer. A pure function
/// of the rows and their order, so that reference values of the mismatched sequences can be kept like those of the rows.
/// </summary>
public sealed class MismatchedTokens : ITokenSource
{
    /// <summary>Names the rule by which an answer is taken: part of the key of what is computed from it.</summary>
    public const string RuleVersion = "mismatched-1";

    private readonly ITokenSource _rows;
    private readonly int _maxLength;
    private readonly int[] _others;

    /// <param name="rows">Rows whose only scored tokens are those of an answer at their end.</param>
    /// <param name="maxLength">Longest sequence in tokens; a longer mismatched one is cut on the right.</param>
    /// <param name="key">The recipe's key that names the rows.</param>
    /// <exception cref="BadInputException">All rows have the same answer, or there is only one.</exception>
    public MismatchedTokens(ITokenSource rows, int maxLength, string key = "data.train")
    {
        (_rows, _maxLength) = (rows, maxLength);
        var (prompts, answers) = (new UInt128[rows.Sequences], new UInt128[rows.Sequences]);
        Parallel.For(0, rows.Sequences, row =>
        {
            var ids = rows.Ids(row);
            var begin = AnswerOf(row);
            prompts[row] = XxHash128.HashToUInt128(MemoryMarshal.AsBytes(ids[..begin]));
            answers[row] = XxHash128.HashToUInt128(MemoryMarshal.AsBytes(ids[begin..]));
        });
        _others = Others(prompts, answers) ?? throw new BadInputException(key,
            rows.Sequences == 1 ? "there is only one row, and no other one whose answer could be mismatched with its prompt"
                : $"all {NumberText.Count(rows.Sequences, "row")} have the same answer: none can be mismatched with the prompt of another",
            "objective kto needs rows with different answers");
    }

    public int Sequences => checked(2 * _rows.Sequences);

    public int Length(int sequence) => sequence % 2 == 0 ? _rows.Length(sequence / 2) : AnswerOf(sequence / 2) + MismatchedLength(sequence / 2);

    public int LossTokens(int sequence) => sequence % 2 == 0 ? _rows.LossTokens(sequence / 2) : MismatchedLength(sequence / 2);

    public ReadOnlySpan<int> Ids(int sequence)
    {
        var row = sequence / 2;
        if (sequence % 2 == 0) return _rows.Ids(row);
        var (begin, length, other) = (AnswerOf(row), MismatchedLength(row), _others[row]);
        var ids = new int[begin + length];
        _rows.Ids(row)[..begin].CopyTo(ids);
        _rows.Ids(other).Slice(AnswerOf(other), length).CopyTo(ids.AsSpan(begin));
        return ids;
    }

    public ReadOnlySpan<LossSpan> Spans(int sequence)
    {
        if (sequence % 2 == 0) return _rows.Spans(sequence / 2);
        var begin = AnswerOf(sequence / 2);
        return new[] { new LossSpan(begin, begin + MismatchedLength(sequence / 2)) };
    }

    public bool Desirable(int item) => _rows.Desirable(item);

    /// <summary>The row whose answer is mismatched with a row's prompt.</summary>
    public int OtherOf(int row) => _others[row];

    // The prompt of a row that has an answer ends before the maximum length, so at least one token of the other answer has room.
    private int MismatchedLength(int row) => Math.Min(_rows.Length(_others[row]) - AnswerOf(_others[row]), _maxLength - AnswerOf(row));

    // The answer is the last thing in a row, its end token with it.
    private int AnswerOf(int row) => _rows.Spans(row)[^1].Begin;

    /// <summary>Of each row the one that its answer is taken of. Null: there is none for some row, and so for all.</summary>
    internal static int[]? Others(UInt128[] prompts, UInt128[] answers)
    {
        var (byPrompt, byAnswer) = (NextOther(prompts), NextOther(answers));
        if (byAnswer is null) return null;
        var others = new int[prompts.Length];
        for (var row = 0; row < others.Length; row++) others[row] = byPrompt is null ? byAnswer[row] : Other(row, prompts, answers, byPrompt, byAnswer) ?? byAnswer[row];
        return others;
    }

    // Goes round once, over whole runs of rows that have the row's own prompt or answer.
    private static int? Other(int row, UInt128[] prompts, UInt128[] answers, int[] byPrompt, int[] byAnswer)
    {
        var count = prompts.Length;
        for (int at = byPrompt[row], passed = Distance(row, at); passed < count;)
        {
            if (prompts[at] != prompts[row] && answers[at] != answers[row]) return at;
            var next = prompts[at] == prompts[row] ? byPrompt[at] : byAnswer[at];
            passed += Distance(at, next);
            at = next;
        }
        return null;

        int Distance(int from, int to) => to > from ? to - from : to - from + count;
    }

    /// <summary>[rows] the next row, going round, that has another value than the row itself; null: all have the same.</summary>
    private static int[]? NextOther(UInt128[] values)
    {
        var next = new int[values.Length];
        var change = Enumerable.Range(0, values.Length).FirstOrDefault(row => values[row] != values[(row + 1) % values.Length], -1);
        if (change < 0) return null;
        // Backwards from a row whose next one differs, once round.
        for (var back = 0; back < values.Length; back++)
        {
            var row = (change - back + values.Length) % values.Length;
            var after = (row + 1) % values.Length;
            next[row] = values[row] != values[after] ? after : next[after];
        }
        return next;
    }
}
