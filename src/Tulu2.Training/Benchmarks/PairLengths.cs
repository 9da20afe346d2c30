using System.Globalization;
using Tulu2.Data.Chat;
using Tulu2.Data.Slots;
using Tulu2.Files;

namespace Tulu2.Training.Benchmarks;

/// <summary>The shape of a preference pair: tokens of its prompt and of each answer.</summary>
public readonly record struct PairLength(int Prompt, int Chosen, int Rejected);

/// <summary>Pairs of given lengths with drawn tokens, their answers scored.</summary>
internal sealed class PairLengths : ITokenSource
{
    private readonly int[][] _ids;
    private readonly LossSpan[][] _spans;

    public PairLengths(IReadOnlyList<PairLength> pairs, int vocabulary)
    {
        var random = new Random(1);
        int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(3, vocabulary))];
        (_ids, _spans) = (new int[2 * pairs.Count][], new LossSpan[2 * pairs.Count][]);
        for (var pair = 0; pair < pairs.Count; pair++)
        {
            var (prompt, chosen, rejected) = pairs[pair];
            var begin = Draw(prompt);
            (_ids[2 * pair], _ids[2 * pair + 1]) = ([.. begin, .. Draw(chosen)], [.. begin, .. Draw(rejected)]);
            foreach (var side in new[] { 2 * pair, 2 * pair + 1 }) _spans[side] = [new LossSpan(prompt, _ids[side].Length)];
        }
    }

    public int Sequences => _ids.Length;

    public int Length(int sequence) => _ids[sequence].Length;

    public int LossTokens(int sequence) => _spans[sequence][0].Length;

    public ReadOnlySpan<int> Ids(int sequence) => _ids[sequence];

    public ReadOnlySpan<LossSpan> Spans(int sequence) => _spans[sequence];

    /// <param name="path">A file with <c>prompt chosen rejected</c> a line: three counts of tokens.</param>
    /// <exception cref="BadInputException">The file cannot be read, or a line is something else.</exception>
    public static IReadOnlyList<PairLength> Read(string path)
    {
        if (!File.Exists(path)) throw new BadInputException(path, "there is no such file", "name a file of lengths");
        var pairs = new List<PairLength>();
        foreach (var (index, line) in File.ReadLines(path).Index())
        {
            int[] counts = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0)];
            if (counts is not [> 0, > 0, > 0])
                throw new BadInputException($"{path}:{index + 1}", "is not three counts of tokens", "give the tokens of prompt, chosen and rejected answer, at least 1 each");
            pairs.Add(new PairLength(counts[0], counts[1], counts[2]));
        }
        return pairs;
    }
}
