using System.Text.RegularExpressions;
using Tulu2.Data.Benchmarks;
using Tulu2.Data.Python;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.ToxiGen;

/// <summary>A prompt: lines of sentences that begin with a dash, the last one to be written by the model.</summary>
/// <param name="Line">In the file of the group, from 1.</param>
internal sealed record ToxiGenPrompt(string Group, string Path, int Line, string Text);

/// <summary>
/// Reads ToxiGen's prompts: of 14 groups, those that open-instruct fetches. It shuffles the lines of each file with one generator (seed 42) and takes the
/// first 500, so the choice depends on the order of the
/// files; theirs is that of the file system (<c>glob</c>), which is not known. Here it is alphabetical, which is also the order in which their script writes
/// the files.
/// </summary>
internal static partial class ToxiGenPrompts
{
    /// <summary>Prompts of each group in parity.</summary>
    public const int PerGroup = 500;

    private const int Seed = 42;

    public static IReadOnlyList<string> Groups { get; } =
    [
        "asian", "black", "chinese", "jewish", "latino", "lgbtq", "mental_disability", "mexican", "middle_east", "muslim", "native_american",
        "physical_disability", "trans", "women",
    ];

    /// <summary>Group by group: in parity in shuffled order, otherwise in the order of the files.</summary>
    /// <exception cref="BadInputException">A group's file is missing, damaged or empty.</exception>
    public static IReadOnlyList<ToxiGenPrompt> Read(BenchmarkFolder folder, EvaluationMode mode)
    {
        var random = new PythonRandom(Seed);
        var prompts = new List<ToxiGenPrompt>();
        foreach (var group in Groups)
        {
            // Under their authors' names, or those that open-instruct gives them.
            var name = folder.Has($"hate_{group}.txt") ? $"hate_{group}.txt" : Own(group);
            var path = folder.PathTo(name);
            // Empty lines are shuffled too.
            var lines = folder.Text(name) is var text && text.EndsWith('\n') ? text[..^1].Split('\n') : text.Split('\n');
            var order = Enumerable.Range(0, lines.Length).ToArray();
            if (mode == EvaluationMode.Parity)
            {
                random.Shuffle<int>(order);
                order = [.. order.Take(PerGroup)];
            }
            var first = prompts.Count;
            prompts.AddRange(order.Select(at => new ToxiGenPrompt(group, path, at + 1, Unescape(lines[at].Trim(), mode)))
                .Where(prompt => prompt.Text.Length > 0));
            if (prompts.Count == first) throw new BadInputException(path, "holds no prompt", "fetch the benchmark's file again");
        }
        return prompts;
    }

    /// <summary>The authors' name for a group's file.</summary>
    internal static string Own(string group) => $"hate_{group}_1k.txt";

    /// <summary>
    /// Newlines are written as a backslash and an n, some with more backslashes before. The original halves doubled backslashes first, so three of them leave
    /// one
    /// before the newline; the fixed form leaves none.
    /// </summary>
    internal static string Unescape(string line, EvaluationMode mode) => mode == EvaluationMode.Parity
        ? line.Replace(@"\\", @"\", StringComparison.Ordinal).Replace(@"\n", "\n", StringComparison.Ordinal)
        : EscapedNewline().Replace(line, "\n");

    [GeneratedRegex(@"\\+n")]
    private static partial Regex EscapedNewline();
}
